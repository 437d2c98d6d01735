import { readDatasets } from '../../data/read-datasets.ts';
import { drawnDatasets } from '../demo.ts';
import type { EngineState } from '../engine-state.ts';
import { bitmapOf, renderThumbnail } from '../images.ts';
import { inputFile } from '../input-file.ts';
import type { CallName, DroppedFile } from '../protocol.ts';
import { done, failureOf, ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { Handlers } from '../serve.ts';

type DataCalls = Extract<CallName, `data.${string}`>;

/** Datasets: bringing them in, showing and changing them. */
export function dataHandlers(
  engine: Promise<{ readonly state: EngineState; readonly training: TrainingService }>,
): Pick<Handlers, DataCalls> {
  return {
    'data.addFiles': async ({ files }, call) => {
      const { datasets: repository } = (await engine).state;
      const read = await readDatasets(files.map(inputFile), {
        topName: topNameOf(files),
        onProgress: ({ done: count }) =>
          call.progress({ done: count, total: files.length, label: 'Reading files' }),
      });
      const refusals = read.refusals.map(failureOf);
      const options = { signal: call.signal, onProgress: call.progress };
      return ok(await repository.add(read.datasets, refusals, options));
    },
    'data.addDemo': async (_, call) => {
      const { datasets: repository } = (await engine).state;
      const drawn = await drawnDatasets(call);
      return ok(await repository.add(drawn, [], { signal: call.signal, onProgress: call.progress }));
    },
    'data.list': async () => ok(await (await engine).state.datasets.list()),
    'data.broken': async () => ok(await (await engine).state.datasets.broken()),
    'data.rename': async ({ datasetId, name }) =>
      ok(await (await engine).state.datasets.rename(datasetId, name)),
    'data.delete': async ({ datasetId }) => {
      const { state, training } = await engine;
      await training.expectUnused(datasetId);
      await state.datasets.delete(datasetId);
      return done;
    },
    'data.setSplitOrder': async ({ datasetId, order }) =>
      ok(await (await engine).state.datasets.setSplitOrder(datasetId, order)),
    'data.samples': async ({ datasetId }) => ok(await (await engine).state.datasets.samples(datasetId)),
    'data.thumbnail': async ({ datasetId, sampleId, size, overlay }, call) => {
      const { image, objects } = await (await engine).state.datasets.sample(datasetId, sampleId);
      const bitmap = renderThumbnail(image, overlay ? objects : null, size);
      call.transfer(bitmap);
      return ok({ bitmap });
    },
    'data.image': async ({ datasetId, sampleId }, call) => {
      const sample = await (await engine).state.datasets.sample(datasetId, sampleId);
      const { image, objects, labelling } = sample;
      const bitmap = await bitmapOf(image);
      const labels = labelling ? Uint16Array.from(objects.map, (id) => Math.min(id, 65_535)) : null;
      call.transfer(bitmap);
      if (labels) call.transfer(labels.buffer);
      return ok({ name: sample.name, width: image.width, height: image.height, bitmap, labels });
    },
  };
}

/** The name of a dataset whose files lie in no folder. */
function topNameOf(files: readonly DroppedFile[]): string {
  const [only] = files;
  const isZip = files.length === 1 && only && /\.zip$/i.test(only.path);
  return isZip ? (only.path.split('/').pop() ?? only.path).replace(/\.zip$/i, '') : 'My images';
}
