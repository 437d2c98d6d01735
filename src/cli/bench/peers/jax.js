/** jax-js does the bench's work as its users would write it: traced by `jit`, weights as [in, out]. */
import * as jax from '@jax-js/jax';
import { EPS } from './work.ts';

const { numpy: np, nn, jit, valueAndGrad } = jax;

/** @returns {Promise<import('./work.ts').Peer>} */
export async function openPeer() {
  await jax.init();
  jax.defaultDevice('webgpu');
  const device = jax.getWebGPUDevice();
  const finish = async (arrays) => {
    await jax.blockUntilReady(arrays);
    await device.queue.onSubmittedWorkDone();
  };
  return { name: 'jax-js 0.1.25', prepare: async (work) => runnable(program(work), finish) };
}

/** What to compute: a compiled function that consumes references, and the arrays that it is called with. */
function program(work) {
  const array = (values, shape) => np.array(values).reshape(shape);
  switch (work.kind) {
    case 'matmul': {
      const { M, K, N, a, b, aT } = work;
      const call = jit(aT ? (x, y) => np.matmul(x.transpose([1, 0]), y) : (x, y) => np.matmul(x, y));
      return { call, args: [array(a, aT ? [K, M] : [M, K]), array(b, [K, N])] };
    }
    case 'layernorm': {
      const { rows, C, x, weight, bias } = work;
      return { call: jit(layernorm), args: [array(x, [rows, C]), array(weight, [C]), array(bias, [C])] };
    }
    case 'softmax': {
      return { call: jit((x) => nn.softmax(x, -1)), args: [array(work.x, work.shape)] };
    }
    case 'attention': {
      const { tokens, C, heads, q, k, v } = work;
      const call = jit((a, b, c) => attention(a, b, c, tokens, C, heads));
      return { call, args: [q, k, v].map((values) => array(values, [tokens, C])) };
    }
    case 'block': {
      const { tokens, C, heads, x, weights, backward } = work;
      const named = Object.fromEntries(
        Object.entries(weights).map(([name, values]) => {
          const width = name.startsWith('mlp.lin1') ? 4 * C : C;
          return [name, array(values, values.length === width ? [width] : [values.length / width, width])];
        }),
      );
      const forward = (input, w) => block(input, w, tokens, C, heads);
      const call = backward
        ? jit(valueAndGrad((input, w) => np.mean(np.square(forward(input, w)))))
        : jit(forward);
      return { call, args: [array(x, [tokens, C]), named] };
    }
  }
}

function runnable({ call, args }, finish) {
  const reference = (value) =>
    value.ref ?? Object.fromEntries(Object.entries(value).map(([name, array]) => [name, array.ref]));
  const once = () => [call(...args.map(reference))].flat();
  return {
    run: async () => {
      const outs = once();
      await finish(outs.map((out) => out.ref));
      for (const out of outs) out.dispose();
    },
    result: async () => {
      const outs = once();
      const last = outs.pop();
      for (const out of outs) out.dispose();
      return last.data();
    },
    release: () => {
      for (const value of args)
        for (const array of value.ref ? [value] : Object.values(value)) array.dispose();
    },
  };
}

function layernorm(x, weight, bias) {
  return nn.standardize(x, -1, { epsilon: EPS }).mul(weight).add(bias);
}

function attention(q, k, v, tokens, C, heads) {
  const split = (x) => x.reshape([tokens, heads, C / heads]).transpose([1, 0, 2]);
  const scores = np.matmul(split(q).mul((C / heads) ** -0.5), split(k).transpose([0, 2, 1]));
  return np.matmul(nn.softmax(scores, -1), split(v)).transpose([1, 0, 2]).reshape([tokens, C]);
}

function block(x, w, tokens, C, heads) {
  const linear = (input, name) => np.matmul(input, w[`${name}.weight`]).add(w[`${name}.bias`]);
  const u = layernorm(x.ref, w['norm1.weight'], w['norm1.bias']);
  const [q, k, v] = [linear(u.ref, 'attn.q'), linear(u.ref, 'attn.k'), linear(u, 'attn.v')];
  const afterAttention = x.add(linear(attention(q, k, v, tokens, C, heads), 'attn.proj'));
  const normal = layernorm(afterAttention.ref, w['norm2.weight'], w['norm2.bias']);
  const hidden = nn.gelu(linear(normal, 'mlp.lin1'), { approximate: false });
  return afterAttention.add(linear(hidden, 'mlp.lin2'));
}
