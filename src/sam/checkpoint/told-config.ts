import * as v from 'valibot';
import { Failure, type FailureRecord } from '../../config/failure.ts';
import { isRecord } from '../../config/is-record.ts';

/** A file, or a part of one, that says something of a model. */
export interface ConfigSource {
  /** As remarks and failures call it: `sam/config.json`. */
  readonly name: string;
  readonly json: Readonly<Record<string, unknown>>;
}

/**
 * What files say of a model's sizes, against what its shapes tell. Shapes win wherever they decide, and a file that says
 * otherwise gets a remark. What no shape decides is taken from the first file that says it.
 *
 * A field is named by its paths in the forms that there are: `vision_config.num_attention_heads` in Hugging Face's,
 * `num_attention_heads` in the flat one.
 */
export class ToldConfig {
  /** What was assumed or contradicted so far. */
  readonly remarks: FailureRecord[] = [];

  /** @param sources the first counts before the others. */
  constructor(private readonly sources: readonly ConfigSource[] = []) {}

  /** The value of a field that no shape decides, if a file says it. @throws Failure `config/invalid`. */
  value<S extends v.GenericSchema>(schema: S, ...paths: readonly string[]): v.InferOutput<S> | undefined {
    const found = this.find(paths);
    if (!found) return undefined;
    const parsed = v.safeParse(schema, found.value);
    if (parsed.success) return parsed.output;
    throw new Failure({
      code: 'config/invalid',
      what: `${found.path} is not usable: ${parsed.issues[0].message}.`,
      where: found.source,
      cure: `Correct ${found.path}, or use the config.json that was saved together with these weights.`,
    });
  }

  /** As {@link value}, for a field that only helps to read the shapes; nothing where it is not usable. */
  hint<S extends v.GenericSchema>(schema: S, ...paths: readonly string[]): v.InferOutput<S> | undefined {
    const parsed = v.safeParse(schema, this.find(paths)?.value);
    return parsed.success ? parsed.output : undefined;
  }

  /** The value that shapes decide; a remark where a file says another. */
  decided<T>(value: T, ...paths: readonly string[]): T {
    const found = this.find(paths);
    if (found && JSON.stringify(found.value) !== JSON.stringify(value)) {
      this.remarks.push({
        code: 'config/contradicts',
        what: `${found.path} is ${show(found.value)} there, and ${show(value)} by the shapes of the weights, which count.`,
        where: found.source,
        cure: 'If the masks look wrong, open the weights with the config.json that was saved together with them.',
      });
    }
    return value;
  }

  /** Records what had to be assumed. */
  assume(what: string, { cure, asks }: Pick<FailureRecord, 'cure' | 'asks'>): void {
    this.remarks.push({
      code: 'config/assumed',
      what: `${this.gap()} ${what}`,
      cure,
      ...(asks && { asks }),
    });
  }

  /** Why something has to be assumed, as the beginning of a sentence. */
  gap(): string {
    const [source] = this.sources;
    return source ? `${source.name} does not say it:` : 'There is no config.json:';
  }

  private find(
    paths: readonly string[],
  ): { readonly source: string; readonly path: string; readonly value: unknown } | null {
    for (const { name, json } of this.sources) {
      for (const path of paths) {
        const value = path.split('.').reduce<unknown>(memberOf, json);
        if (value !== undefined && value !== null) return { source: name, path, value };
      }
    }
    return null;
  }
}

function memberOf(value: unknown, key: string): unknown {
  return isRecord(value) && Object.hasOwn(value, key) ? value[key] : undefined;
}

/** A value for a sentence; long ones are cut. */
function show(value: unknown): string {
  const text = Array.isArray(value) ? `[${value.join(', ')}]` : JSON.stringify(value);
  return text.length > 60 ? `${text.slice(0, 60)}…` : text;
}
