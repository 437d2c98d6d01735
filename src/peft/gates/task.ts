import { tokenGate } from '../../ops/token-gate/token-gate.ts';
import { zeros } from '../tensor-spec.ts';
import type { GateForm } from './gate-form.ts';

/** How much faster than the gates' rate what a gate adds for a dataset is learned: slower, it opens for one too late. */
const DATASET_RATE = 300;

/**
 * Gates by what is asked and not by what the image shows: sigmoid(θ + φ of the dataset), φ in the order of the config's
 * datasets. A prefix's columns weigh its gate in the softmax, so that 0 is the base model.
 */
export const task: GateForm = {
  id: 'task',
  label: 'By dataset',
  help: 'Each dataset has gates of its own, the same for all of its images. Segment then asks which dataset is meant.',
  varies: 'by-dataset',
  differsInTraining: false,
  reads: () => 'nothing',
  tensors: (methods, _, datasets) =>
    methods.flatMap(({ id }) => [
      { name: `gate.${id}.theta`, shape: [1], decay: false, init: zeros },
      { name: `gate.${id}.phi`, shape: [datasets], decay: false, rate: DATASET_RATE, init: zeros },
    ]),
  constant: (method, values, dataset) => {
    const [theta = 0] = values(`gate.${method}.theta`);
    return 1 / (1 + Math.exp(-theta - (values(`gate.${method}.phi`)[dataset] ?? 0)));
  },
  // One token a sample, which is 1 at the dataset's index: its product with φ is φ of that dataset.
  trace: (methods, { dataset, tensor }) =>
    methods.map(({ id }) => {
      const { rows, count } = dataset();
      const phi = tensor(`gate.${id}.phi`).view([1, count]);
      return { value: tokenGate(rows, phi, tensor(`gate.${id}.theta`)), insideSoftmax: true };
    }),
};
