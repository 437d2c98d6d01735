import { Failure } from '../config/failure.ts';
import type { FixedGates } from '../engine/export/export-form.ts';
import { fixedGatesOf, withFixedGates } from '../engine/export/fixed-gates.ts';
import { SessionPredictor } from '../engine/session-predictor.ts';
import { ModelSession } from '../engine/tuning.ts';
import type { Adapter } from '../peft/adapter-file.ts';
import { evaluateSet, type ImageScore, summarise } from '../train/evaluate.ts';
import type { MeasuredInput } from './measured-input.ts';

/** The mean gates of an adapter over a dataset's images, and what having them for all changes there. @throws Failure `export/no-object`. */
export async function measureFixedGates(input: MeasuredInput, adapter: Adapter): Promise<FixedGates> {
  const live = await scores(input, adapter);
  const { gates, n } = summarise(live);
  if (n === 0) {
    throw new Failure({
      code: 'export/no-object',
      what: `No object was measured in the images of ${input.split === 'all' ? 'all splits' : `the split ${input.split}`}.`,
      where: input.dataset.name,
      cure: 'Give a dataset with masks, or --split all.',
    });
  }
  return fixedGatesOf(input.dataset.name, live, await scores(input, withFixedGates(adapter, gates)));
}

async function scores(
  { gpu, model, names, options, openImages }: MeasuredInput,
  adapter: Adapter,
): Promise<ImageScore[]> {
  const session = await ModelSession.open(gpu, model, adapter);
  const data = await openImages();
  try {
    const [set] = data.sets;
    if (!set) throw new RangeError('there is no dataset');
    return await evaluateSet(new SessionPredictor(session), set, names, options, {
      onRefused: (name, message) => console.error(`${name}: ${message}`),
    });
  } finally {
    data.close();
    await session.release();
  }
}
