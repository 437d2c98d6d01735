import { fileStem } from '../../config/file-stem.ts';
import { adapterFiles, isAdapterZip } from '../../engine/run/adapter-files.ts';
import { historyCsv } from '../../engine/run/history-csv.ts';
import { reportHtml } from '../../engine/run/report-html.ts';
import { blobSource } from '../../sam/checkpoint/byte-source.ts';
import type { EngineState } from '../engine-state.ts';
import { KeptMaskRepository } from '../kept-mask-repository.ts';
import { formatInfos, writeLabelFile } from '../label-output.ts';
import { exportChoices, exportRun } from '../model-output.ts';
import type { CallName, OutputFile } from '../protocol.ts';
import { ok } from '../result.ts';
import type { TrainingService } from '../runs/training-service.ts';
import type { Handlers } from '../serve.ts';

type OutputCalls = Extract<CallName, `output.${string}`>;

/** What a person takes away, and adapters that come back. */
export function outputHandlers(
  engine: Promise<{ readonly state: EngineState; readonly training: TrainingService }>,
): Pick<Handlers, OutputCalls> {
  return {
    'output.adapter': async ({ runId }) => {
      const { training } = await engine;
      await training.need(runId);
      const { weights, json } = await adapterFiles(training.repository.filesOf(runId));
      return ok([
        outputFile('adapter.safetensors', 'application/octet-stream', weights.bytes),
        outputFile('adapter.json', 'application/json', json.bytes),
      ]);
    },
    'output.exportChoices': async ({ runId }) => ok(await exportChoices(await engine, runId)),
    'output.export': async (request, call) => ok(await exportRun(await engine, request, call)),
    'output.historyCsv': async ({ runId }) => {
      const { training } = await engine;
      const { name, datasets } = await training.need(runId);
      const lines = await training.repository.filesOf(runId).readMetrics();
      const nameOf = (id: string): string => datasets.find((dataset) => dataset.id === id)?.name ?? id;
      const bytes = new TextEncoder().encode(historyCsv(lines, nameOf));
      return ok(outputFile(`${fileStem(name, 'run')} history.csv`, 'text/csv', bytes));
    },
    'output.report': async ({ runId }) => {
      const { training } = await engine;
      const run = await training.need(runId);
      const files = training.repository.filesOf(runId);
      const worth = await training.worth.read(runId);
      const html = reportHtml({
        ...run,
        config: await files.readConfig(),
        split: await files.readSplit(),
        metrics: await files.readMetrics(),
        ...(worth && { worth }),
      });
      const bytes = new TextEncoder().encode(html);
      return ok(outputFile(`${fileStem(run.name, 'run')} report.html`, 'text/html', bytes));
    },
    'output.formats': async () => ok(formatInfos()),
    'output.labels': async (request, call) => {
      const { datasets, store } = (await engine).state;
      const kept = new KeptMaskRepository(store);
      return ok(await writeLabelFile(request, { datasets, kept }, call));
    },
    'output.masksZip': async () => ok(await new KeptMaskRepository((await engine).state.store).zip()),
    'output.keptMask': async ({ id }) =>
      ok(await new KeptMaskRepository((await engine).state.store).file(id)),
    'output.isAdapterZip': async ({ file: { path, file } }) =>
      ok({ isAdapter: await isAdapterZip(blobSource(path, file), path) }),
    'output.importAdapter': async ({ files }) => ok(await (await engine).training.addAdapter(files)),
  };
}

function outputFile(name: string, mime: string, bytes: Uint8Array): OutputFile {
  return { name, mime, bytes: new Uint8Array(bytes) };
}
