import { Failure } from '../../../config/failure.ts';

/** The failure for a PyTorch file that does not hold together. */
export function damaged(what: string, where: string): Failure {
  return new Failure({
    code: 'checkpoint/pickle-damaged',
    what,
    where,
    cure: 'The file is damaged or cut short; download or save it again.',
  });
}
