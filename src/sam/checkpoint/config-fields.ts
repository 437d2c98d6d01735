import * as v from 'valibot';
import { Failure } from '../../config/failure.ts';
import { isRecord } from '../../config/is-record.ts';

/** A size or a number of things. */
export const count = v.pipe(v.number(), v.integer(), v.minValue(1), v.maxValue(65536));

/** What a norm adds to the variance. */
export const eps = v.pipe(v.number(), v.gtValue(0), v.maxValue(0.1));

/** The fields of a config's JSON. @throws Failure `config/invalid` that names the first field that is not usable. */
export function parseFields<S extends v.GenericSchema>(
  schema: S,
  json: unknown,
  where: string,
): v.InferOutput<S> {
  // Valibot takes a list for an object.
  if (!isRecord(json)) throw invalid('the file', 'it is no JSON object', where);
  const result = v.safeParse(schema, json);
  if (result.success) return result.output;
  const [issue] = result.issues;
  throw invalid(v.getDotPath(issue) ?? 'the file', issue.message, where);
}

function invalid(path: string, reason: string, where: string): Failure {
  return new Failure({
    code: 'config/invalid',
    what: `${path} is not usable: ${reason}.`,
    where,
    cure: `Correct ${path}, or use the file of this name that was saved together with these weights.`,
  });
}
