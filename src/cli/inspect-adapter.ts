import { type UnderstoodAdapter, understandAdapterFiles } from '../engine/run/adapter-files.ts';
import { adapterInputs } from './adapter-inputs.ts';
import { printResult } from './report.ts';

/** `mopeft inspect --adapter`: what an adapter's files say without the model. @throws Failure where they are not understood. */
export async function inspectAdapter(path: string, asJson: boolean): Promise<number> {
  return printResult(await understandAdapterFiles(await adapterInputs(path)), {
    asJson,
    print: printAdapter,
  });
}

function printAdapter({ file, what, baseName, remarks }: UnderstoodAdapter): void {
  console.log(`${file}: ${what}`);
  console.log(`  base model: ${baseName ?? 'not said'}`);
  for (const sentence of remarks) console.log(`  ${sentence}`);
}
