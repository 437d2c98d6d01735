import { defineOp } from '../../graph/graph.ts';
import { axis, expectShape, lastOf, sameShape, show, sizeOf } from '../../graph/shape.ts';
import { workgroups1d } from '../dispatch.ts';
import { required } from '../required.ts';
import { countOf, paramsOf } from './prepend-tokens.ts';

/**
 * Keys x and values y [M, N, C] behind their learned tokens p and q, in one go: `[gate·p ; x]` and `[gate·q ; y]`. p and q
 * [P, C]; gate [B] serves M/B consecutive windows each, without one it is 1. What graphs have as several nodes
 * (`src/ops/fusion.ts`), so it has no gradient. → twice [M, P+N, C]
 */
export const prependPairOp = defineOp({
  name: 'prependPair',
  inputs: ['x', 'y', 'p', 'q', 'gate'],
  optional: ['gate'],
  shapes: ([x, y, p, q, gate]) => {
    const [to, front] = [required(x, 'prependPair: x'), required(p, 'prependPair: p')];
    expectShape(
      to.length === 3 &&
        front.length === 2 &&
        sameShape(to, y ?? []) &&
        sameShape(front, q ?? []) &&
        lastOf(to) === lastOf(front) &&
        axis(to, 0) % sizeOf(gate ?? [1]) === 0,
      'prependPair',
      () => `${show(front)} and ${show(q ?? [])} before ${show(to)} and ${show(y ?? [])}`,
    );
    const out = [axis(to, 0), axis(front, 0) + axis(to, 1), lastOf(to)];
    return [out, out];
  },
  passes: ({ inputs: [given, , front, , gate], outputs: [out] }) => {
    const [x, p] = [required(given, 'prependPair: x'), required(front, 'prependPair: p')];
    return [
      {
        shader: lastOf(x) % 4 === 0 ? 'prepend-tokens/pair-fours' : 'prepend-tokens/pair-any',
        constants: { HAS_GATE: Number(Boolean(gate)) },
        params: paramsOf(x, [sizeOf(gate ?? [1]), ...p]),
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { input: gate ? 4 : 2 },
          { output: 0 },
          { output: 1 },
        ],
        workgroups: workgroups1d(2 * countOf(required(out, 'prependPair'))),
        flops: 0,
      },
    ];
  },
  backward: { x: 'none', y: 'none', p: 'none', q: 'none', gate: 'none' },
  reference: ([x, y, p, q, gate], [shape]) => {
    const M = axis(shape ?? [], 0);
    return [behindPrefix(M, x, p, gate), behindPrefix(M, y, q, gate)];
  },
  cases: [
    { inputs: [[1, 1, 1], [1, 1, 1], [1, 1], [1, 1], [1]], attrs: {} },
    { inputs: [[6, 5, 3], [6, 5, 3], [2, 3], [2, 3], [2]], attrs: {}, note: 'three windows a sample' },
    { inputs: [[6, 5, 12], [6, 5, 12], [3, 12], [3, 12], [3]], attrs: {}, note: 'in fours' },
    { inputs: [[5, 7, 13], [5, 7, 13], [4, 13], [4, 13], null], attrs: {}, note: 'no gate' },
  ],
});

type Values = Float64Array | null | undefined;

/** The tokens of each of M windows behind `front`, which is weighed by the gate of the window's sample. */
function behindPrefix(M: number, tokens: Values, front: Values, gate: Values): Float64Array {
  const [all, own] = [required(tokens, 'tokens'), required(front, 'prefix')];
  const each = all.length / M;
  return Float64Array.from({ length: M * (own.length + each) }, (_, i) => {
    const [m, j] = [Math.floor(i / (own.length + each)), i % (own.length + each)];
    const g = gate?.[Math.floor((m * gate.length) / M)] ?? 1;
    return (j < own.length ? g * (own[j] ?? 0) : all[m * each + j - own.length]) ?? 0;
  });
}

/**
 * Gradients of {@link prependPairOp} but for the gate: of x and y, what stands behind the prefix, and of the gated p and q,
 * [groups, P, C], each summed over the windows of its group.
 */
export const prependPairBackwardOp = defineOp({
  name: 'prependPairBackward',
  inputs: ['dx', 'dy'],
  shapes: ([dx, dy], { prefix, groups }: { readonly prefix: number; readonly groups: number }) => {
    const out = required(dx, 'prependPairBackward');
    expectShape(sameShape(out, dy ?? []), 'prependPairBackward', () => `${show(out)} and ${show(dy ?? [])}`);
    const [back, front] = [
      [axis(out, 0), axis(out, 1) - prefix, lastOf(out)],
      [groups, prefix, lastOf(out)],
    ];
    return [back, back, front, front];
  },
  passes: ({ outputs: [dx, , dp] }) => {
    const [back, front] = [required(dx, 'prependPairBackward'), required(dp, 'prependPairBackward')];
    return [
      {
        shader:
          lastOf(back) % 4 === 0 ? 'prepend-tokens/pair-backward-fours' : 'prepend-tokens/pair-backward-any',
        constants: {},
        params: paramsOf(back, front),
        bindings: [{ input: 0 }, { input: 1 }, { output: 0 }, { output: 1 }, { output: 2 }, { output: 3 }],
        workgroups: workgroups1d(2 * (countOf(back) + countOf(front))),
        flops: 2 * (axis(back, 0) / axis(front, 0)) * sizeOf(front),
      },
    ];
  },
  backward: { dx: 'none', dy: 'none' },
  reference: ([dx, dy], [shape], { prefix, groups }) => {
    const [M, T, C] = [axis(shape ?? [], 0), axis(shape ?? [], 1), axis(shape ?? [], 2)];
    const split = (given: Float64Array | null | undefined) => {
      const dout = required(given, 'prependPairBackward');
      const back = new Float64Array(M * (T - prefix) * C);
      const front = new Float64Array(groups * prefix * C);
      dout.forEach((value, i) => {
        const [m, j] = [Math.floor(i / (T * C)), i % (T * C)];
        const at = Math.floor((m * groups) / M) * prefix * C + j;
        if (j < prefix * C) front[at] = (front[at] ?? 0) + value;
        else back[m * (T - prefix) * C + j - prefix * C] = value;
      });
      return [back, front] as const;
    };
    const [[x, p], [y, q]] = [split(dx), split(dy)];
    return [x, y, p, q];
  },
  cases: [
    {
      inputs: [
        [1, 2, 1],
        [1, 2, 1],
      ],
      attrs: { prefix: 1, groups: 1 },
    },
    {
      inputs: [
        [6, 7, 3],
        [6, 7, 3],
      ],
      attrs: { prefix: 2, groups: 2 },
      note: 'three windows a group',
    },
    {
      inputs: [
        [6, 7, 12],
        [6, 7, 12],
      ],
      attrs: { prefix: 2, groups: 3 },
      note: 'in fours',
    },
  ],
});

/** Threads of a workgroup of `prepend-tokens/gates`. */
const THREADS = 64;

/**
 * From the gradients of gated tokens `gate[b]·p` and `gate[b]·q`, dp and dq [B, P, C], those of the gate, [B], and of p and q,
 * [P, C]; these two are added onto `ontoP` and `ontoQ` where there are such.
 */
export const gatedPairBackwardOp = defineOp({
  name: 'gatedPairBackward',
  inputs: ['dp', 'dq', 'p', 'q', 'gate', 'ontoP', 'ontoQ'],
  optional: ['ontoP', 'ontoQ'],
  mutates: ['ontoP', 'ontoQ'],
  shapes: ([dp, dq, p, q, gate, ontoP, ontoQ]) => {
    const [each, gates] = [required(p, 'gatedPairBackward: p'), required(gate, 'gatedPairBackward: gate')];
    const whole = sizeOf(each) * sizeOf(gates);
    expectShape(
      sameShape(each, q ?? []) &&
        sizeOf(dp ?? []) === whole &&
        sizeOf(dq ?? []) === whole &&
        (ontoP ? sizeOf(ontoP) === sizeOf(each) && sizeOf(ontoQ ?? []) === sizeOf(each) : !ontoQ),
      'gatedPairBackward',
      () => `${show(dp ?? [])} and ${show(dq ?? [])} for ${show(gates)} times ${show(each)}`,
    );
    return ontoP ? [gates] : [gates, each, each];
  },
  passes: ({ inputs: [dp, , p, , gate, onto] }) => {
    const [each, B] = [sizeOf(required(p, 'gatedPairBackward: p')), sizeOf(gate ?? [])];
    return [
      {
        shader: 'prepend-tokens/gates',
        constants: { ADDS: Number(Boolean(onto)) },
        bindings: [
          { input: 0 },
          { input: 1 },
          { input: 2 },
          { input: 3 },
          { input: 4 },
          { output: 0 },
          onto ? { input: 5 } : { output: 1 },
          onto ? { input: 6 } : { output: 2 },
        ],
        // One a gate, then one for 64 values of p and q.
        workgroups: workgroups1d(B + Math.ceil(each / THREADS), 1),
        flops: 8 * sizeOf(dp ?? []),
      },
    ];
  },
  backward: {
    dp: 'none',
    dq: 'none',
    p: 'none',
    q: 'none',
    gate: 'none',
    ontoP: 'none',
    ontoQ: 'none',
  },
  reference: ([dp, dq, p, q, gate, ontoP, ontoQ]) => {
    const gates = required(gate, 'gatedPairBackward: gate');
    const n = required(p, 'gatedPairBackward: p').length;
    const dgate = gates.map((_, b) =>
      Array.from({ length: n }, (_value, i) => i).reduce(
        (sum, i) => sum + (dp?.[b * n + i] ?? 0) * (p?.[i] ?? 0) + (dq?.[b * n + i] ?? 0) * (q?.[i] ?? 0),
        0,
      ),
    );
    const weighed = (d: Float64Array | null | undefined, onto: Float64Array | null | undefined) =>
      Float64Array.from({ length: n }, (_, i) =>
        gates.reduce((sum, g, b) => sum + g * (d?.[b * n + i] ?? 0), onto?.[i] ?? 0),
      );
    const sums = [weighed(dp, ontoP), weighed(dq, ontoQ)];
    return ontoP ? [...sums, dgate] : [dgate, ...sums];
  },
  cases: [
    { inputs: [[1, 1, 1], [1, 1, 1], [1, 1], [1, 1], [1], null, null], attrs: {} },
    { inputs: [[3, 5, 7], [3, 5, 7], [5, 7], [5, 7], [3], null, null], attrs: {} },
    {
      inputs: [[2, 9, 24], [2, 9, 24], [9, 24], [9, 24], [2], null, null],
      attrs: {},
      note: 'several workgroups',
    },
    { inputs: [[3, 5, 7], [3, 5, 7], [5, 7], [5, 7], [3], [5, 7], [35]], attrs: {}, note: 'added up' },
  ],
});
