import { Failure } from '../../config/failure.ts';
import { adapter } from './adapter.ts';
import type { ExportForm } from './export-form.ts';
import { merged, sam } from './merged.ts';
import { anylabeling } from './onnx/anylabeling.ts';
import { onnx } from './onnx/onnx.ts';
import { peft } from './peft.ts';

/** Every form in which a tuned model leaves the program, in the order in which screens list them. */
export const EXPORT_FORMS: readonly ExportForm[] = [merged, peft, onnx, anylabeling, sam, adapter];

/** @throws Failure `export/no-form` for an id that the registry lacks. */
export function exportFormById(id: string): ExportForm {
  const form = EXPORT_FORMS.find((candidate) => candidate.id === id);
  if (form) return form;
  throw new Failure({
    code: 'export/no-form',
    what: `There is no form "${id}".`,
    where: 'as',
    cure: `Choose one of ${EXPORT_FORMS.map((candidate) => candidate.id).join(', ')}.`,
  });
}
