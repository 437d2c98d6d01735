import { readFile } from 'node:fs/promises';
import { describe, expect, it } from 'vitest';
import { Failure } from '../../../config/failure.ts';
import {
  dict,
  legacyForm,
  PyCall,
  PyId,
  PyName,
  PyObject,
  PyRaw,
  type PyTensor,
  type PyValue,
  pickle,
  tensor,
  zipForm,
} from '../../../testing/pickle-writer.ts';
import { uniform } from '../../../testing/random.ts';
import { bytesSource } from '../byte-source.ts';
import { openTensorFile } from '../open-tensor-file.ts';

const NAME = 'weights.pth';

/** Opens a file and reads all its tensors: null, or the failure. Anything else that is thrown is a fault of the reader. */
async function failureOf(bytes: Uint8Array): Promise<Failure | null> {
  try {
    const file = await openTensorFile(bytesSource(NAME, bytes));
    for (const name of file.tensors.keys()) await file.read(name);
    return null;
  } catch (thrown) {
    if (thrown instanceof Failure) return thrown;
    throw thrown;
  }
}

async function expectRefused(bytes: Uint8Array, text: RegExp): Promise<void> {
  const failure = await failureOf(bytes);
  expect(failure?.message).toMatch(text);
  expect(failure?.message).toContain(NAME);
  expect(failure?.record.cure.length).toBeGreaterThan(20);
}

const call = (path: string, ...args: PyValue[]): PyCall => {
  const at = path.lastIndexOf('.');
  return new PyCall(new PyName(path.slice(0, at), path.slice(at + 1)), args);
};
const beside = (value: PyValue): PyValue =>
  new Map<PyValue, PyValue>([
    ['w', tensor()],
    ['x', value],
  ]);
const bytes = (...values: number[]): PyRaw => new PyRaw(values);
const text = (line: string): number[] => [...new TextEncoder().encode(line)];

describe('a pickle that would run code', () => {
  it.each<[string, PyValue]>([
    ['posix.system', call('posix.system', 'true')],
    ['nt.system', call('nt.system', 'true')],
    ['os.system', call('os.system', 'true')],
    ['subprocess.Popen', call('subprocess.Popen', ['true'])],
    ['builtins.eval', call('builtins.eval', '1')],
    ['builtins.exec', call('__builtin__.exec', '1')],
    ['builtins.getattr', call('__builtin__.getattr', 'a', 'b')],
    ['x.os.system', new PyCall(call('builtins.getattr', new PyName('x', 'os'), 'system'), ['true'])],
    ['builtins.__import__', call('builtins.__import__', 'os')],
    ['runpy._run_code', call('runpy._run_code', '1')],
    ['torch.load', call('torch.load', 'other.pth')],
    ['torch.storage._load_from_bytes', call('torch.storage._load_from_bytes', 'x')],
    ['torch._utils.toString', call('torch._utils.toString')],
    ['builtins.eval', call('collections.OrderedDict', [['a', call('builtins.eval', '1')]])],
    // By the opcodes of older protocols, and by the one that takes the name from the stack.
    ['posix.system', bytes(0x28, 0x58, 4, 0, 0, 0, ...text('true'), 0x69, ...text('posix\nsystem\n'))],
    ['posix.system', bytes(0x28, 0x63, ...text('posix\nsystem\n'), 0x4e, 0x6f)],
    ['posix.system', bytes(0x8c, 5, ...text('posix'), 0x8c, 6, ...text('system'), 0x93, 0x29, 0x52)],
  ])('%s is refused by its name', async (name, value) => {
    const refusal = new RegExp(`calls ${name.replaceAll('.', '\\.')}, which no tensor needs`);
    await expectRefused(await zipForm(beside(value)), refusal);
    await expectRefused(legacyForm(beside(value)), refusal);
  });

  it.each(['_rebuild_sparse_tensor', '_rebuild_qtensor', '_rebuild_tensor_v9'])(
    'torch._utils.%s is a tensor that cannot be read',
    async (name) => {
      await expectRefused(
        await zipForm(beside(call(`torch._utils.${name}`))),
        new RegExp(`${name} builds.*dense weights`),
      );
    },
  );

  it('is refused where it stands in front of the file', async () => {
    await expectRefused(pickle(call('os.system', 'true')), /calls os\.system/);
  });

  it('is refused where a tensor is built by it', async () => {
    const value = call(
      'torch._tensor._rebuild_from_type_v2',
      new PyName('os', 'system'),
      null,
      ['true'],
      null,
    );
    await expectRefused(await zipForm(beside(value)), /built in a way that does not exist/);
  });
});

describe('what lies beside weights', () => {
  it.each<[string, PyValue, readonly string[]]>([
    ['settings', new PyObject(new PyName('argparse', 'Namespace'), { lr: 1 }), ['x (argparse.Namespace)']],
    ['a class of its own', new PyObject(new PyName('__main__', 'Config')), ['x (__main__.Config)']],
    ['the name of a function', new PyName('torch._C._nn', 'gelu'), []],
    ['a path', call('pathlib.PosixPath', 'a', 'b'), []],
    ['a date', call('datetime.datetime', 'x'), []],
    ['the name of a method', call('builtins.getattr', new PyName('mmengine', 'HistoryBuffer'), 'mean'), []],
    ['part of a function', call('functools.partial', new PyName('os', 'system')), []],
    ['a large number', 2n ** 70n, []],
  ])('%s: passed over', async (_what, value, leftOut) => {
    for (const file of [await zipForm(beside(value)), legacyForm(beside(value))]) {
      const opened = await openTensorFile(bytesSource(NAME, file));
      expect([...opened.tensors.keys()]).toEqual(['w']);
      expect(opened.leftOut).toEqual(leftOut);
      expect([...(await opened.read('w')).data]).toEqual([1, 2, 3, 4]);
    }
  });

  it('the state of the training is counted, under all its usual names', async () => {
    const state = (key: string) => dict({ state: dict({ exp_avg: tensor({ key: '1' }) }), key });
    const names = [
      'optimizer',
      'optimizer_state_dict',
      'optim',
      'lr_scheduler',
      'scheduler_state',
      'optimizer_states',
    ];
    const value = dict({
      model: dict({ w: tensor() }),
      ...Object.fromEntries(names.map((key) => [key, state(key)])),
    });
    const storage = new Uint8Array(16);
    const file = await openTensorFile(bytesSource(NAME, await zipForm(value, { 0: storage, 1: storage })));
    expect([...file.tensors.keys()]).toEqual(['model.w']);
    expect(file.leftOut).toEqual(names.map((key) => `${key} (1 tensor of a training's state)`));
  });
});

describe('a tensor that its storage does not hold', () => {
  const untyped = new PyName('torch.storage', 'UntypedStorage');
  it.each<[string, PyTensor, RegExp]>([
    ['beyond its storage', { offset: 1 }, /tensor w.*ends at byte 20 of its storage, which has 16/],
    ['strides beyond its storage', { strides: [3, 1] }, /ends at byte 20/],
    ['strides beyond 2^53', { strides: [2 ** 53 - 1, 2 ** 53 - 1] }, /ends at byte/],
    ['a shape beyond 2^53', { shape: [2 ** 40, 2 ** 40], strides: [0, 0] }, /elements and its storage 4/],
    ['a shape that repeats without end', { shape: [2 ** 30], strides: [0] }, /1073741824 elements/],
    ['a negative shape', { shape: [-2, 2] }, /no shape/],
    ['a negative stride', { strides: [-2, 1] }, /no shape/],
    ['a negative offset', { offset: -1 }, /no shape/],
    ['a fraction', { shape: [new PyRaw([0x47, 0x3f, 0xf8, 0, 0, 0, 0, 0, 0])] }, /no shape/],
    ['too few strides', { strides: [1] }, /strides that do not fit/],
    ['a shape of text', { shape: '22' }, /no shape/],
    ['a thousand axes', { shape: Array(1000).fill(1), strides: Array(1000).fill(1) }, /1000 dimensions/],
    ['a negative length', { length: -4 }, /length/],
    ['a length beyond the file', { length: 2 ** 48 }, /needs|should end at byte/],
    [
      'a storage that is not there',
      { key: '7' },
      /storage 7 is not in the file|storage 0 belongs to no tensor/,
    ],
    ['a path as its storage', { key: '../data.pkl' }, /not in the file|belongs to no tensor/],
    ['a type that does not exist', { storage: new PyName('torch', 'toString') }, /torch\.toString/],
    ['no type', { storage: untyped, length: 16 }, /unknown/],
    ['a storage of code', { storage: new PyName('os', 'system') }, /os\.system, which cannot be read/],
  ])('%s: refused', async (_what, of, refusal) => {
    await expectRefused(await zipForm(dict({ w: tensor(of) })), refusal);
    await expectRefused(legacyForm(dict({ w: tensor(of) })), refusal);
  });

  it('a view of the negative of its storage: refused', async () => {
    const { callee, args } = tensor();
    const negative = new PyCall(callee, [...args, dict({ conj: false, neg: true })]);
    await expectRefused(await zipForm(dict({ w: negative })), /marked "neg"/);
  });

  it('an empty one, a scalar and a repeated one load', async () => {
    const value = dict({
      empty: tensor({ shape: [0, 2 ** 40], strides: [2 ** 40, 1] }),
      scalar: tensor({ shape: [], strides: [], offset: 2 }),
      repeated: tensor({ shape: [2, 3], strides: [1, 0], offset: 1 }),
    });
    const file = await openTensorFile(bytesSource(NAME, await zipForm(value)));
    expect([...(await file.read('empty')).data]).toEqual([]);
    expect([...(await file.read('scalar')).data]).toEqual([3]);
    expect([...(await file.read('repeated')).data]).toEqual([2, 2, 2, 3, 3, 3]);
  });

  it('a big-endian machine wrote', async () => {
    const swapped = Uint8Array.of(0x3f, 0x80, 0, 0, 0x40, 0, 0, 0, 0x40, 0x40, 0, 0, 0x40, 0x80, 0, 0);
    const file = legacyForm(dict({ w: tensor() }), { 0: swapped }, ['0'], false);
    expect([...(await (await openTensorFile(bytesSource(NAME, file))).read('w')).data]).toEqual([1, 2, 3, 4]);
  });
});

describe('a pickle that does not hold together', () => {
  const nested = (depth: number): PyValue => {
    let value: PyValue = tensor();
    for (let i = 0; i < depth; i++) value = dict({ a: value });
    return value;
  };
  it.each<[string, PyValue, RegExp]>([
    ['a memo out of range', bytes(0x6a, 0xff, 0xff, 0xff, 0xff), /recalls object 4294967295/],
    ['nothing to pop', bytes(0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30, 0x30), /not there/],
    ['no mark', bytes(0x74, 0x74, 0x74, 0x74), /mark that is not there/],
    ['an opcode of code', bytes(0x82, 1), /Opcode 0x82/],
    ['an opcode that does not exist', bytes(0xff), /Opcode 0xff/],
    ['a text of 4 GB', bytes(0x58, 0xff, 0xff, 0xff, 0xff), /end/],
    ['a text of 2^63 bytes', bytes(0x8d, 0, 0, 0, 0, 0, 0, 0, 0x80), /end/],
    ['a number of 4 GB', bytes(0x8b, 0xff, 0xff, 0xff, 0xff), /integer has 4294967295 bytes/],
    ['a call of a number', bytes(0x4b, 1, 0x29, 0x52), /calls what is no function/],
    ['an item of a number', bytes(0x4b, 1, 0x4b, 2, 0x4b, 3, 0x73), /what is no dictionary/],
    ['an addition to a number', bytes(0x4b, 1, 0x4b, 2, 0x61), /what is no list/],
    ['a key without a value', bytes(0x7d, 0x28, 0x4b, 1, 0x75), /key has no value/],
    ['an id that is no storage', new PyId(['module', 'x']), /no storage/],
    ['an id without a class', new PyId(['storage', 'FloatStorage', '0', 'cpu', 4]), /without class/],
    ['a tensor of nothing', call('torch._utils._rebuild_tensor_v2'), /no storage/],
    [
      'two tensors of one name',
      dict({ 'a.b': tensor(), a: dict({ b: tensor() }) }),
      /Two tensors|tensor x\.a\.b/,
    ],
    ['dictionaries a thousand deep', nested(1000), /nested more than/],
    ['one storage of two lengths', [tensor(), tensor({ length: 5 })], /two lengths/],
  ])('%s: refused', async (_what, value, refusal) => {
    await expectRefused(await zipForm(beside(value)), refusal);
    await expectRefused(legacyForm(beside(value)), refusal);
  });

  it('a dictionary in itself loads once', async () => {
    // {}, memo 9, then its own key "me"
    const cycle = bytes(0x7d, 0x71, 9, 0x58, 2, 0, 0, 0, ...text('me'), 0x68, 9, 0x73);
    const file = await openTensorFile(bytesSource(NAME, await zipForm(beside(cycle))));
    expect([...file.tensors.keys()]).toEqual(['w']);
  });

  it('lists that hold each other twice over do not multiply', async () => {
    const codes: number[] = [0x5d, 0x71, 0];
    for (let i = 1; i < 28; i++) codes.push(0x30, 0x5d, 0x71, i, 0x68, i - 1, 0x61, 0x68, i - 1, 0x61);
    const file = await openTensorFile(bytesSource(NAME, await zipForm(beside(bytes(...codes)))));
    expect([...file.tensors.keys()]).toEqual(['w']);
  });

  it('a key that every JavaScript object has is a key like others', async () => {
    const value = dict({ ['__proto__']: tensor(), constructor: tensor() });
    const named = new Map([...value, ['__proto__', tensor()]]) as ReadonlyMap<PyValue, PyValue>;
    const file = await openTensorFile(bytesSource(NAME, await zipForm(named)));
    expect([...file.tensors.keys()].sort()).toEqual(['__proto__', 'constructor']);
  });

  it('no tensors, a number or an optimizer alone: said', async () => {
    await expectRefused(await zipForm(3), /holds no tensor/);
    await expectRefused(
      await zipForm(dict({ optimizer: dict({ a: tensor() }) })),
      /only optimizer \(1 tensor/,
    );
    await expectRefused(pickle(3), /torch\.save did not write/);
  });
});

describe('a file that ends early', () => {
  const value = dict({ model: dict({ w: tensor(), v: tensor({ shape: [4], strides: [1] }) }), epoch: 3 });

  it('is refused wherever it ends', async () => {
    const files = [
      [await zipForm(value), 5],
      [await zipForm(value, undefined, 6), 5],
      [legacyForm(value), 1],
    ] as const;
    for (const [whole, step] of files) {
      expect(await failureOf(whole)).toBeNull();
      for (let length = 0; length < whole.length; length += step) {
        const failure = await failureOf(whole.subarray(0, length));
        expect(failure?.record.code, `${length} of ${whole.length} bytes`).toMatch(/^checkpoint\//);
      }
    }
  });
});

describe('1,000 damaged files', () => {
  const limitMs = 100;

  const file = async (name: string) =>
    new Uint8Array(await readFile(new URL(`../../../../tests/vectors/pickles/${name}`, import.meta.url)));
  const small = dict({ model: dict({ w: tensor(), v: tensor({ key: '1' }) }), epoch: 3 });
  const storages = { 0: new Uint8Array(16), 1: new Uint8Array(16) };

  it.each<[string, number, () => Promise<Uint8Array>]>([
    ['a small zip', 250, () => zipForm(small, storages)],
    ['a small packed zip', 100, () => zipForm(small, storages, 6)],
    ['zip.pth', 50, () => file('zip.pth')],
    ['training.pth', 100, () => file('training.pth')],
    ['legacy.pth', 300, () => file('legacy.pth')],
    ['training-legacy.pth', 200, () => file('training-legacy.pth')],
  ])('of %s: each gives a failure or loads, at once', async (_name, count, make) => {
    const whole = await make();
    const random = uniform(whole.length);
    for (let i = 0; i < count; i++) {
      const damaged = whole.slice();
      for (let change = 0; change <= i % 4; change++)
        damaged[Math.floor(random() * damaged.length)] = Math.floor(random() * 256);
      // What took long is measured again: the garbage of others may have been collected meanwhile.
      const took = (await cpuMs(damaged)) < limitMs ? 0 : await cpuMs(damaged);
      expect(took, `file ${i}`).toBeLessThan(limitMs);
    }
  });

  async function cpuMs(file: Uint8Array): Promise<number> {
    const start = process.cpuUsage();
    await failureOf(file);
    const { user, system } = process.cpuUsage(start);
    return (user + system) / 1000;
  }
});
