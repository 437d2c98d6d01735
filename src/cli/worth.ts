import type { MopeftConfig } from '../config/mopeft.ts';
import { plural } from '../config/words.ts';
import { isTold, type Worth } from '../config/worth.ts';
import { RUN_FILES } from '../engine/run/run-files.ts';
import { type Measuring, measureTuning } from '../engine/worth/measure.ts';
import { isLoss, losesTooMuch, pruneAdapter, sizeOfAdapter } from '../engine/worth/prune.ts';
import { expectedMeasurements, measureWorth, type WorthReport, worth } from '../engine/worth/worth.ts';
import { type Adapter, writeAdapter } from '../peft/adapter-file.ts';
import { METHODS } from '../peft/registry.ts';
import { readFlags, requiredFlag } from './arguments.ts';
import { MEASURED_FLAGS, MEASURED_USAGE, type MeasuredInput, openMeasured } from './measured-input.ts';
import { newFolder } from './open.ts';
import { progressOf } from './progress.ts';
import { printResult } from './report.ts';
import { expectFree } from './write-files.ts';

const USAGE = `  npm run mopeft -- worth --model DIR|FILE --adapter PATH --data DIR [--split val|test|train|all] [--json]
      [--prune DIR] [--seed S] [--split-order shuffled|name] [--max-images N] [--max-objects 5]
      [--scale whole|N] [--min-size 4] [--min-area 0] [--weights f32|f16]
  Measures what each module of an adapter is worth: the IoU that is lost on the images of the split when it is taken out. A
  dataset that the run knows is split as the run split it; the default is its validation images. Then modules are put in
  one by one, each time the one that gains most, until all of the gain is there within its error.
  --prune measures the adapter with those modules alone on the test images, and writes it to a new folder if it is not worse.
${MEASURED_USAGE}`;

/** `mopeft worth`: leave-one-out worth of every module, with errors, and the fewest modules that do as well. */
export async function worthOfModules(args: readonly string[]): Promise<number> {
  const flags = readFlags(
    args,
    { ...MEASURED_FLAGS, json: { type: 'boolean' }, prune: { type: 'string' } },
    USAGE,
  );
  requiredFlag(flags.adapter, 'adapter', USAGE);
  const out = flags.prune;
  if (out !== undefined) await expectFree(out, 'Name a new folder.');
  const input = await openMeasured(flags, 'val', USAGE);
  const { adapter } = input;
  if (!adapter) throw new RangeError('an adapter was asked for');
  const images = await input.openImages();
  try {
    const [set] = images.sets;
    if (!set) throw new RangeError('there is no dataset');
    const asked = adapter.dataset ?? 0;
    const measure = (names: readonly string[]) => (mopeft: MopeftConfig) =>
      measureTuning(
        { ...input, onDevice: alone },
        { ...adapter, mopeft },
        { ...set, asked },
        names,
        input.options,
        {
          onRefused: (name, message) => console.error(`${name}: ${message}`),
        },
      );
    const progress = progressOf('measurements');
    // About so many: how long modules are put in one by one follows from what they are worth.
    const expected = expectedMeasurements(adapter.mopeft);
    let measured = 0;
    const report = await measureWorth(adapter.mopeft, measure(input.names), (done) => {
      measured = done;
      progress(done, Math.max(expected, done + 1));
    });
    progress(measured, measured);
    const prune = async () => {
      if (out === undefined) return;
      const pruned = pruneAdapter(adapter, report.greedy, input.model.config);
      const names = set.split.test.length > 0 ? set.split.test : input.names;
      const onOthers = measure(names);
      const change = worth(await onOthers(adapter.mopeft), await onOthers(pruned.mopeft));
      console.error(`${prunedSentence(input, adapter, pruned)} ${changeSentence(change, names.length)}`);
      if (isLoss(change)) throw losesTooMuch(out);
      const { json, safetensors } = writeAdapter(input.model, pruned);
      const store = await newFolder(out);
      await store.write(RUN_FILES.adapter, safetensors);
      await store.write(RUN_FILES.adapterJson, new TextEncoder().encode(json));
    };
    return await printResult(
      { dataset: input.dataset.name, split: input.split, ...report },
      {
        asJson: flags.json ?? false,
        print: () => console.log(describeWorth(input, report)),
        after: prune,
      },
    );
  } finally {
    images.close();
    input.gpu.destroy();
  }
}

/** Nothing else uses the device. */
const alone: Measuring['onDevice'] = (work) => work(async () => undefined);

function describeWorth({ dataset, split }: MeasuredInput, report: WorthReport): string {
  const { images, objects, all, none, modules, methods, blocks, greedy } = report;
  const label = (id: string) => METHODS.find((method) => method.id === id)?.label ?? id;
  const iou = ({ box, click }: { readonly box: number; readonly click: number }) =>
    `box ${box.toFixed(4)}, click ${click.toFixed(4)}`;
  const row = (name: string, each: Worth) =>
    `  ${name.padEnd(26)} box ${points(each.box, each.boxError)}   click ${points(each.click, each.clickError)}`;
  return [
    `${dataset.name} (${split}): ${plural(objects, 'object')} on ${plural(images, 'image')}`,
    `all modules: ${iou(all)}; without any: ${iou(none)}`,
    'IoU points lost without it, ± standard error; (…) is not told from nothing',
    ...methods.map((each) => row(`${label(each.method)}, all blocks`, each)),
    ...blocks.map((each) => row(`block ${each.block}, all methods`, each)),
    ...modules.map((each) => row(`${label(each.method)}, block ${each.block}`, each)),
    `${greedy.length} of ${modules.length} modules give all of the gain, within its error:`,
    ...greedy.map((step, i) => `  ${i + 1}. ${label(step.method)}, block ${step.block}: ${iou(step)}`),
  ].join('\n');
}

/** In hundredths of IoU. */
function points(value: number, error: number): string {
  const text = `${(100 * value).toFixed(2)} ± ${(100 * error).toFixed(2)}`;
  return (isTold(value, error) ? text : `(${text})`).padStart(16);
}

function prunedSentence({ gpu, model }: MeasuredInput, before: Adapter, after: Adapter): string {
  const [old, own] = [sizeOfAdapter(gpu, model, before), sizeOfAdapter(gpu, model, after)];
  return [
    `Kept ${own.modules} of ${old.modules} modules, ${own.numbers} of ${old.numbers} numbers,`,
    `${own.bytes} of ${old.bytes} bytes; encoding an image takes ${own.dispatches} dispatches instead of ${old.dispatches}.`,
  ].join(' ');
}

function changeSentence({ box, boxError, click, clickError }: Worth, images: number): string {
  const change = (value: number, error: number) =>
    `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(4)} ± ${error.toFixed(4)}`;
  return `On ${images} images, IoU changes by ${change(box, boxError)} by box and ${change(click, clickError)} by click.`;
}
