/** What can go wrong in a download, each with a cure. What was downloaded stays unless a sentence says otherwise. */
import { Failure } from '../../config/failure.ts';

const GOES_ON = 'What was downloaded is kept; start it again to go on from there.';

/** 361_758_720 → "345 MiB". */
export function inWords(bytes: number): string {
  if (bytes < 1024) return `${bytes} bytes`;
  const units = ['KiB', 'MiB', 'GiB', 'TiB'] as const;
  const step = Math.min(units.length, Math.floor(Math.log2(bytes) / 10));
  const amount = bytes / 1024 ** step;
  return `${amount.toFixed(amount >= 100 ? 0 : 1)} ${units[step - 1]}`;
}

const hostOf = (url: string): string => new URL(url).host;

export function offline(url: string): Failure {
  return new Failure({
    code: 'download/offline',
    what: 'This machine is offline.',
    where: url,
    cure: `Connect it to the network. ${GOES_ON}`,
  });
}

export function unreachable(url: string, cause: unknown): Failure {
  const why = cause instanceof Error ? cause.message : String(cause);
  return new Failure(
    {
      code: 'download/unreachable',
      what: `${hostOf(url)} could not be reached (${why}).`,
      where: url,
      cure:
        `Check the connection and whether a firewall or an extension blocks that host. ${GOES_ON} ` +
        'Where the host cannot be reached at all, download the file on another machine and open it as a file.',
    },
    { cause },
  );
}

export function cut(url: string, done: number, total: number | null): Failure {
  const of = total === null ? '' : ` of ${inWords(total)}`;
  return new Failure({
    code: 'download/cut',
    what: `The connection broke off after ${inWords(done)}${of}, again and again.`,
    where: url,
    cure: GOES_ON,
  });
}

export function busy(url: string, status: number, seconds: number | null): Failure {
  const after = seconds === null ? 'a few minutes' : `${Math.ceil(seconds)} seconds`;
  return new Failure({
    code: status === 429 ? 'download/too-many' : 'download/server',
    what:
      status === 429
        ? `${hostOf(url)} takes no more requests from this network for now (status 429).`
        : `${hostOf(url)} has a fault of its own (status ${status}).`,
    where: url,
    cure: `Try again after ${after}. ${GOES_ON}`,
  });
}

export function refused(url: string, status: number): Failure {
  if (status === 404 || status === 410) {
    return new Failure({
      code: 'download/missing',
      what: `${hostOf(url)} has no such file (status ${status}).`,
      where: url,
      cure: 'The model was moved or taken down, or the mirror lacks it. Look at its page and open its files by hand.',
    });
  }
  if (status === 401 || status === 403) {
    return new Failure({
      code: 'download/gated',
      what: `${hostOf(url)} gives this file only to people who have signed in or agreed to its terms (status ${status}).`,
      where: url,
      cure: 'Open its page in a browser, agree there, download the file and open it as a file.',
    });
  }
  return new Failure({
    code: 'download/refused',
    what: `${hostOf(url)} refused the request (status ${status}).`,
    where: url,
    cure: 'Try again later, or download the file in a browser and open it as a file.',
  });
}

export function notWeights(url: string): Failure {
  return new Failure({
    code: 'download/html',
    what: 'A web page came instead of the weights.',
    where: url,
    cure: 'A sign-in page of the network or a wrong mirror answers so. Sign in or correct the mirror, then start it again.',
  });
}

export function empty(url: string): Failure {
  return new Failure({
    code: 'download/empty',
    what: 'The file is empty there.',
    where: url,
    cure: 'The server or the mirror has a damaged copy. Use another mirror or the hub itself.',
  });
}

export function wrongLength(url: string, found: number, wanted: number): Failure {
  return new Failure({
    code: 'download/length',
    what: `The file has ${found.toLocaleString('en')} bytes there, and the model has ${wanted.toLocaleString('en')}.`,
    where: url,
    cure: 'The server has another or a damaged file, and nothing of it was kept. Use another mirror or the hub itself.',
  });
}

export function wrongChecksum(url: string, found: string, wanted: string): Failure {
  return new Failure({
    code: 'download/checksum',
    what: `The file’s SHA-256 is ${found.slice(0, 12)}… and should be ${wanted.slice(0, 12)}…: it is not the model’s.`,
    where: url,
    cure: 'It was removed. Start the download again; if it happens again, use another mirror or the hub itself.',
  });
}

export function changed(url: string): Failure {
  return new Failure({
    code: 'download/changed',
    what: 'The file on the server is another one than when the download began.',
    where: url,
    cure: 'The part of the old file was removed. Start the download again.',
  });
}

export function noRoom(url: string, needed: number, free: number): Failure {
  return new Failure({
    code: 'download/no-room',
    what: `${inWords(needed)} are still to come, and there is room for ${inWords(free)}: ${inWords(needed - free)} are missing.`,
    where: url,
    cure: 'Free models, datasets or runs that are no longer needed, or free space on the disk, then start it again.',
  });
}
