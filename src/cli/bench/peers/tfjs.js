/** TensorFlow.js does the bench's work as its users would write it: eager ops in a `tidy`, weights as [in, out]. */
import '@tensorflow/tfjs-backend-webgpu';
import * as tf from '@tensorflow/tfjs-core';
import '@tensorflow/tfjs-core/dist/public/chained_ops/register_all_chained_ops';
import '@tensorflow/tfjs-core/dist/register_all_gradients';
import { EPS } from './work.ts';

/** @returns {Promise<import('./work.ts').Peer>} */
export async function openPeer() {
  await tf.setBackend('webgpu');
  await tf.ready();
  const backend = tf.backend();
  const finish = async () => {
    backend.endComputePassEncoder();
    // Long programs submit now and then by themselves, and may just have done so.
    if (backend.commandEncoder) backend.submitQueue();
    await backend.device.queue.onSubmittedWorkDone();
  };
  return {
    name: `TensorFlow.js ${tf.version_core}`,
    prepare: async (work) => {
      const { call, held } = program(work);
      return {
        run: async () => {
          const out = call();
          await finish();
          out.dispose();
        },
        result: async () => {
          const out = call();
          const values = await out.data();
          out.dispose();
          return values;
        },
        release: () => tf.dispose(held),
      };
    },
  };
}

/** What to compute, and the tensors that it holds. */
function program(work) {
  switch (work.kind) {
    case 'matmul': {
      const { M, K, N, aT } = work;
      const [a, b] = [tf.tensor(work.a, aT ? [K, M] : [M, K]), tf.tensor(work.b, [K, N])];
      return { call: () => tf.matMul(a, b, aT), held: [a, b] };
    }
    case 'layernorm': {
      const { rows, C } = work;
      const held = [tf.tensor(work.x, [rows, C]), tf.tensor(work.weight, [C]), tf.tensor(work.bias, [C])];
      return { call: () => tf.tidy(() => layernorm(...held)), held };
    }
    case 'softmax': {
      const x = tf.tensor(work.x, work.shape);
      return { call: () => tf.softmax(x), held: [x] };
    }
    case 'attention': {
      const { tokens, C, heads } = work;
      const held = [work.q, work.k, work.v].map((values) => tf.tensor(values, [tokens, C]));
      return { call: () => tf.tidy(() => attention(...held, tokens, C, heads)), held };
    }
    case 'block': {
      const { tokens, C, heads, weights, backward } = work;
      const x = tf.tensor(work.x, [tokens, C]);
      const named = Object.fromEntries(
        Object.entries(weights).map(([name, values]) => {
          const width = name.startsWith('mlp.lin1') ? 4 * C : C;
          return [
            name,
            tf.tensor(values, values.length === width ? [width] : [values.length / width, width]),
          ];
        }),
      );
      const forward = (input) => block(input, named, tokens, C, heads);
      const gradient = tf.grad((input) => forward(input).square().mean());
      return {
        call: () => tf.tidy(() => (backward ? gradient(x) : forward(x))),
        held: [x, ...Object.values(named)],
      };
    }
  }
}

function layernorm(x, weight, bias) {
  const centred = x.sub(x.mean(-1, true));
  return centred.mul(centred.square().mean(-1, true).add(EPS).rsqrt()).mul(weight).add(bias);
}

function attention(q, k, v, tokens, C, heads) {
  const split = (x) => x.reshape([tokens, heads, C / heads]).transpose([1, 0, 2]);
  const scores = split(q)
    .mul((C / heads) ** -0.5)
    .matMul(split(k), false, true);
  return tf.softmax(scores).matMul(split(v)).transpose([1, 0, 2]).reshape([tokens, C]);
}

function block(x, w, tokens, C, heads) {
  const linear = (input, name) => input.matMul(w[`${name}.weight`]).add(w[`${name}.bias`]);
  const u = layernorm(x, w['norm1.weight'], w['norm1.bias']);
  const attended = attention(linear(u, 'attn.q'), linear(u, 'attn.k'), linear(u, 'attn.v'), tokens, C, heads);
  const afterAttention = x.add(linear(attended, 'attn.proj'));
  const hidden = linear(layernorm(afterAttention, w['norm2.weight'], w['norm2.bias']), 'mlp.lin1');
  const activated = hidden.mul(0.5).mul(tf.erf(hidden.mul(Math.SQRT1_2)).add(1));
  return afterAttention.add(linear(activated, 'mlp.lin2'));
}
