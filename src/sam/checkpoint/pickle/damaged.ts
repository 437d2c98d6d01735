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

/** The failure for the text form of pickles, which no version of PyTorch writes unless it is asked to. */
export function oldProtocol(where: string): Failure {
  return new Failure({
    code: 'checkpoint/pickle-protocol',
    what: 'Its pickle is of protocol 0 or 1, which is not read.',
    where,
    cure: 'Save it in Python again without pickle_protocol: torch.save(model.state_dict(), "weights.pth").',
  });
}
