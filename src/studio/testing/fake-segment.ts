/** Images, masks and what goes out, in the fake engine. */
import type {
  CallName,
  EngineCalls,
  ExportChoices,
  KeptMask,
  OutFormatInfo,
  PredictRequest,
} from '../../worker/protocol.ts';
import { circle, fakeBitmap } from './fake-drawing.ts';
import type { Handlers } from './fake-handlers.ts';
import { fakeGates, fakeRun } from './fake-runs.ts';

const FAKE_FORMATS: readonly OutFormatInfo[] = [
  { id: 'coco', label: 'COCO, run lengths', help: 'One JSON for all images.', onlyFile: 'annotations.json' },
  { id: 'yolo', label: 'YOLO segmentation', help: 'A text file for each image.', onlyFile: null },
];

const FAKE_CHOICES: ExportChoices = {
  forms: [
    {
      id: 'merged',
      label: 'Merged model',
      help: 'A plain SAM whose weights hold the adapter, for transformers and everything that opens its models.',
      refusal: {
        code: 'merge/not-exact',
        what: 'This adapter cannot become plain weights: Prefix and Adapter are beside SAM’s layers and no change of their weights.',
        cure: 'Keep the adapter beside its model, or train LoRA, bias and norm, last blocks, SSF or IA³ alone.',
      },
    },
    { id: 'onnx', label: 'ONNX', help: 'For onnxruntime and transformers.js.', refusal: null },
  ],
  datasets: [],
};

export function fakeSegment(): Pick<
  Handlers,
  Extract<CallName, `segment.${string}` | `output.${string}` | `project.${string}`>
> {
  let kept: readonly KeptMask[] = [];
  return {
    'segment.prepare': () => ({}),
    'segment.open': async (source) => ({
      imageId: 'image',
      name: source.kind === 'file' ? source.file.name : `${source.sampleId}.png`,
      width: 320,
      height: 240,
      bitmap: await fakeBitmap(320, 240, 'a'),
    }),
    'segment.openDemo': async () => ({
      imageId: 'demo',
      name: 'Drawn cells',
      width: 256,
      height: 256,
      bitmap: await fakeBitmap(256, 256, 'cells'),
      labels: Uint16Array.from(circle(256, 256, 128, 128, 60)),
      clicks: [{ object: 1, x: 128, y: 128 }],
    }),
    'segment.embed': ({ variant }) => ({
      milliseconds: 812,
      gates: variant.kind === 'base' ? null : (fakeGates(60, 'cells').layers ?? null),
    }),
    'segment.predict': fakePrediction,
    'segment.maskPng': () => ({ name: 'mask.png', mime: 'image/png', bytes: new Uint8Array(8) }),
    'segment.keep': () => {
      const mask: KeptMask = {
        id: String(kept.length),
        imageName: 'a.png',
        variantLabel: 'base',
        created: Date.now(),
        area: 11_304,
        bytes: 900,
      };
      kept = [...kept, mask];
      return mask;
    },
    'segment.kept': () => kept,
    'segment.deleteKept': ({ id }) => {
      kept = kept.filter((mask) => mask.id !== id);
      return {};
    },
    'output.adapter': () => [],
    'output.exportChoices': () => FAKE_CHOICES,
    'output.export': () => ({ file: new Blob(['model']) }),
    'output.historyCsv': () => ({ name: 'history.csv', mime: 'text/csv', bytes: new Uint8Array(4) }),
    'output.report': () => ({ name: 'report.html', mime: 'text/html', bytes: new Uint8Array(4) }),
    'output.formats': () => FAKE_FORMATS,
    'output.labels': () => ({ images: 6, objects: 20, file: new Blob(['labels']), remarks: [] }),
    'output.keptMask': () => ({ name: 'mask.png', mime: 'image/png', bytes: new Uint8Array(4) }),
    'output.masksZip': () => ({ name: 'masks.zip', mime: 'application/zip', bytes: new Uint8Array(4) }),
    'output.isAdapterZip': () => ({ isAdapter: false }),
    'output.importAdapter': () => fakeRun('imported', 9),
    'project.parts': () => ({
      datasets: [{ id: 'cells', bytes: 3 * 2 ** 20 }],
      runs: [{ id: 'run-1', bytes: 2 ** 20, checkpointBytes: 5 * 2 ** 20 }],
    }),
    'project.write': () => ({ file: new Blob(['project']), bytes: 7 }),
    'project.look': () => null,
    'project.add': () => ({ datasets: [], runs: [], refusals: [] }),
  };
}

function fakePrediction(request: PredictRequest): EngineCalls['segment.predict'][1] {
  const [width, height] = request.imageId === 'demo' ? [256, 256] : [320, 240];
  const point = request.points.at(-1) ?? { x: width / 2, y: height / 2 };
  return {
    predictionId: `${request.variant.kind} ${request.points.length}`,
    milliseconds: 31,
    candidates: [60, 40, 20].map((radius, token) => {
      const mask = circle(width, height, point.x, point.y, radius);
      return {
        mask,
        predictedIou: 0.94 - 0.06 * token,
        token: token + 1,
        area: mask.reduce((sum, value) => sum + value, 0),
      };
    }),
  };
}
