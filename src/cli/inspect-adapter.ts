import { type UnderstoodAdapter, understandAdapterFiles } from '../engine/run/adapter-files.ts';
import { adapterInputs } from './adapter-inputs.ts';
import { printReport } from './report.ts';

/** `mopeft inspect --adapter`: what an adapter's files say without the model. 0 when they are understood; as JSON, a refusal gives 1. */
export function inspectAdapter(path: string, asJson: boolean): Promise<number> {
  const report = async () => understandAdapterFiles(await adapterInputs(path));
  return printReport(report, printAdapter, asJson);
}

function printAdapter({ file, what, baseName, remarks }: UnderstoodAdapter): void {
  console.log(`${file}: ${what}`);
  console.log(`  base model: ${baseName ?? 'not said'}`);
  for (const sentence of remarks) console.log(`  ${sentence}`);
}
