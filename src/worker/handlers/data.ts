import { isArchiveName } from '../../data/arrays/archive-formats.ts';
import { isZipName, nameParts } from '../../data/file-names.ts';
import { IGNORED } from '../../data/objects.ts';
import { readDatasets } from '../../data/read-datasets.ts';
import type { DatasetRepository } from '../dataset-repository.ts';
import { drawnDatasets } from '../demo.ts';
import { DropPreviews, type UndrawnPreview } from '../drop-previews.ts';
import type { EngineState } from '../engine-state.ts';
import type { FindService } from '../find/find-service.ts';
import { bitmapOf, renderObjects, renderThumbnail } from '../images.ts';
import { inputFile } from '../input-file.ts';
import type { CallName, DatasetPreview, DroppedFile, SampleRef, ThumbnailKind } from '../protocol.ts';
import { done, failureOf, ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { CallContext, Handlers } from '../serve.ts';
import { THUMBNAIL_SIZE } from '../thumbnails.ts';

type DataCalls = Extract<CallName, `data.${string}`>;

/** Datasets: bringing them in, showing and changing them. */
export function dataHandlers(
  engine: Promise<{
    readonly state: EngineState;
    readonly training: Pick<TrainingService, 'expectUnused'>;
    readonly finding: Pick<FindService, 'expectUnused'>;
  }>,
): Pick<Handlers, DataCalls> {
  const previews = engine.then(({ state }) => new DropPreviews(state.datasets));
  return {
    'data.preview': async ({ files, size }, call) => {
      const drops = await previews;
      const { datasets, refusals } = await sorted(files, call);
      const { dropId, datasets: undrawn } = await drops.preview(datasets, refusals, optionsOf(call));
      return ok({ dropId, datasets: undrawn.map((each) => drawn(each, size, call)), refusals });
    },
    'data.previewWith': async ({ dropId, index, settings, size }, call) =>
      ok(drawn(await (await previews).previewWith(dropId, index, settings), size, call)),
    'data.import': async ({ dropId, settings }, call) =>
      ok(await (await previews).import(dropId, settings, optionsOf(call))),
    'data.discard': async ({ dropId }) => {
      (await previews).discard(dropId);
      return done;
    },
    'data.addDemo': async ({ which }, call) => {
      const { datasets: repository } = (await engine).state;
      const drawn = await drawnDatasets(which, call);
      return ok(await repository.add(drawn, [], { signal: call.signal, onProgress: call.progress }));
    },
    'data.list': async () => ok(await (await engine).state.datasets.list()),
    'data.broken': async () => ok(await (await engine).state.datasets.broken()),
    'data.rename': async ({ datasetId, name }) =>
      ok(await (await engine).state.datasets.rename(datasetId, name)),
    'data.delete': async ({ datasetId }) => {
      const { state, training, finding } = await engine;
      await state.datasets.delete(datasetId, async () => {
        await training.expectUnused(datasetId);
        await finding.expectUnused(datasetId);
      });
      return done;
    },
    'data.setSplitOrder': async ({ datasetId, order }) =>
      ok(await (await engine).state.datasets.setSplitOrder(datasetId, order)),
    'data.setScale': async ({ datasetId, scale }) =>
      ok(await (await engine).state.datasets.setScale(datasetId, scale)),
    'data.samples': async ({ datasetId }) => ok(await (await engine).state.datasets.samples(datasetId)),
    'data.thumbnail': async ({ kind, ...ref }, call) => {
      const { datasets } = (await engine).state;
      const bitmap =
        (await storedThumbnail(datasets, ref, kind)) ?? (await newThumbnail(datasets, ref, kind));
      call.transfer(bitmap);
      return ok({ bitmap });
    },
    'data.image': async ({ datasetId, sampleId }, call) => {
      const sample = await (await engine).state.datasets.sample(datasetId, sampleId);
      const { image, objects, labelling } = sample;
      const bitmap = await bitmapOf(image);
      const labels = labelling
        ? Uint16Array.from(objects.map, (id) => (id === IGNORED ? 65_535 : Math.min(id, 65_534)))
        : null;
      call.transfer(bitmap);
      if (labels) call.transfer(labels.buffer);
      return ok({ name: sample.name, width: image.width, height: image.height, bitmap, labels });
    },
  };
}

const optionsOf = ({ signal, progress }: CallContext) => ({ signal, onProgress: progress });

/** Files as datasets. */
async function sorted(files: readonly DroppedFile[], call: CallContext) {
  const { datasets, refusals } = await readDatasets(files.map(inputFile), {
    topName: topNameOf(files),
    onProgress: ({ done: count }) =>
      call.progress({ done: count, total: files.length, label: 'Reading files' }),
  });
  return { datasets, refusals: refusals.map(failureOf) };
}

/** A preview with its images, which are handed over. */
function drawn({ samples, ...preview }: UndrawnPreview, size: number, call: CallContext): DatasetPreview {
  return {
    ...preview,
    samples: samples.map(({ name, image, objects }) => {
      const bitmaps = {
        image: renderThumbnail(image, null, size),
        objects: renderObjects(image, objects, size),
      };
      call.transfer(bitmaps.image, bitmaps.objects);
      const { width, height } = image;
      return { name, width, height, objectCount: objects.regions.length, ...bitmaps };
    }),
  };
}

async function storedThumbnail(datasets: DatasetRepository, ref: SampleRef, kind: ThumbnailKind) {
  const jpeg = await datasets.thumbnail(ref, kind);
  return jpeg && createImageBitmap(new Blob([new Uint8Array(jpeg)], { type: 'image/jpeg' }));
}

async function newThumbnail(datasets: DatasetRepository, ref: SampleRef, kind: ThumbnailKind) {
  const { image, objects, labelling } = await datasets.sample(ref.datasetId, ref.sampleId);
  return renderThumbnail(image, kind === 'card' && labelling ? objects : null, THUMBNAIL_SIZE[kind]);
}

/** The name of a dataset whose files lie in no folder. */
function topNameOf(files: readonly DroppedFile[]): string {
  const [only] = files;
  const parts = nameParts(only?.path ?? '');
  return files.length === 1 && (isZipName(parts) || isArchiveName(parts)) ? parts.stem : 'My images';
}
