/** An ONNX model while it is built: nodes by names of values, as onnx.proto has them. */
import { Failure } from '../../../config/failure.ts';
import type { Shape } from '../../../graph/shape.ts';
import {
  bytesField,
  bytesOf,
  floatField,
  intField,
  joined,
  messageField,
  type Piece,
  textField,
} from './protobuf.ts';

/** The set of operators; LayerNormalization came with it. */
const OPSET = 17;
/** The version of the file format that came with that set. */
const IR_VERSION = 8;
const FLOAT = 1;
const INT64 = 7;

/** The name of a value. */
export type Value = string;
export type ElementType = 'float' | 'int64';
/** A number, or a size that is known only when the model runs, by a name. */
export type Dimension = number | string;
export type AttributeValue = number | readonly number[] | string | { readonly float: number };

/** The most bytes that a message can have. */
const MOST_BYTES = 2 ** 31 - 1;

export class OnnxModel {
  private readonly nodes: Piece[] = [];
  private readonly initializers: Piece[] = [];
  private readonly inputs: Piece[] = [];
  private readonly outputs: Piece[] = [];
  private readonly constants = new Map<string, Value>();
  private readonly weights = new Set<string>();
  private next = 0;

  constructor(private readonly name: string) {}

  input(name: string, type: ElementType, dims: readonly Dimension[]): Value {
    this.inputs.push(messageField(11, valueInfo(name, type, dims)));
    return name;
  }

  /** Names a value as what the model gives. */
  output(name: string, value: Value, type: ElementType, dims: readonly Dimension[]): void {
    this.push('Identity', [value], [name], {});
    this.outputs.push(messageField(12, valueInfo(name, type, dims)));
  }

  /** Applies an operator with one output. An empty name stands for an input that is left out. */
  node(
    operator: string,
    inputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeValue>> = {},
  ): Value {
    const value = `${operator}_${this.next++}`;
    this.push(operator, inputs, [value], attributes);
    return value;
  }

  /** Weights under a name of their own, stored once. */
  weight(name: string, shape: Shape, data: Float32Array): Value {
    if (this.weights.has(name)) return name;
    this.weights.add(name);
    const bytes = new Uint8Array(data.buffer, data.byteOffset, data.byteLength);
    this.initializers.push(tensor(name, FLOAT, shape, bytes));
    return name;
  }

  /** Small numbers, each list once. */
  floats(values: readonly number[], shape: Shape = [values.length]): Value {
    return this.constant(`f ${shape.join('x')} ${values.join(' ')}`, (name) =>
      tensor(name, FLOAT, shape, new Uint8Array(Float32Array.from(values).buffer)),
    );
  }

  /** The same as int64. */
  ints(values: readonly number[], shape: Shape = [values.length]): Value {
    return this.constant(`i ${shape.join('x')} ${values.join(' ')}`, (name) =>
      tensor(name, INT64, shape, new Uint8Array(BigInt64Array.from(values, BigInt).buffer)),
    );
  }

  /** @throws Failure `export/too-large` above 2 GiB. */
  bytes(): Uint8Array<ArrayBuffer> {
    const graph = joined([
      ...this.nodes,
      textField(2, this.name),
      ...this.initializers,
      ...this.inputs,
      ...this.outputs,
    ]);
    if (graph.size > MOST_BYTES) {
      throw new Failure({
        code: 'export/too-large',
        what: `The model takes ${(graph.size / 2 ** 30).toFixed(1)} GiB, and an ONNX file holds at most 2 GiB.`,
        where: this.name,
        cure: 'Export a smaller model, or as merged.',
      });
    }
    return bytesOf(
      joined([
        intField(1, IR_VERSION),
        textField(2, 'MoPEFT Studio'),
        messageField(7, graph),
        messageField(8, joined([textField(1, ''), intField(2, OPSET)])),
      ]),
    );
  }

  private constant(key: string, make: (name: string) => Piece): Value {
    const known = this.constants.get(key);
    if (known !== undefined) return known;
    const name = `constant_${this.constants.size}`;
    this.constants.set(key, name);
    this.initializers.push(make(name));
    return name;
  }

  private push(
    operator: string,
    inputs: readonly Value[],
    outputs: readonly Value[],
    attributes: Readonly<Record<string, AttributeValue>>,
  ): void {
    const fields = [
      ...inputs.map((name) => textField(1, name)),
      ...outputs.map((name) => textField(2, name)),
      textField(3, outputs[0] ?? ''),
      textField(4, operator),
      ...Object.entries(attributes).map(([name, value]) => messageField(5, attribute(name, value))),
    ];
    this.nodes.push(messageField(1, joined(fields)));
  }
}

function attribute(name: string, value: AttributeValue): Piece {
  const [Int, FloatAttribute, Text, Ints] = [2, 1, 3, 7];
  if (typeof value === 'number') return joined([textField(1, name), intField(3, value), intField(20, Int)]);
  if (typeof value === 'string') return joined([textField(1, name), textField(4, value), intField(20, Text)]);
  if ('float' in value)
    return joined([textField(1, name), floatField(2, value.float), intField(20, FloatAttribute)]);
  return joined([textField(1, name), ...value.map((each) => intField(8, each)), intField(20, Ints)]);
}

function tensor(name: string, type: number, shape: Shape, data: Uint8Array): Piece {
  const dims = shape.map((size) => intField(1, size));
  return messageField(5, joined([...dims, intField(2, type), textField(8, name), bytesField(9, data)]));
}

function valueInfo(name: string, type: ElementType, dims: readonly Dimension[]): Piece {
  const shape = dims.map((size) =>
    messageField(1, typeof size === 'number' ? intField(1, size) : textField(2, size)),
  );
  const tensorType = joined([intField(1, type === 'float' ? FLOAT : INT64), messageField(2, joined(shape))]);
  return joined([textField(1, name), messageField(2, messageField(1, tensorType))]);
}
