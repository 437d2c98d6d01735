/** Remarks on files that say something special, and refusals of those that cannot be read with the others. */
import type { Findings } from './findings.ts';

export function whiteZero(findings: Findings): void {
  const files = findings.stats.whiteZeroFiles;
  const what = `${filesText(findings, files)} say WhiteIsZero (photometric interpretation 0): the values are taken as they are stored, where viewers show them inverted.`;
  findings.evidence.push(what);
  findings.look(
    'data/mask-white-is-zero',
    what,
    'Look at the preview; if foreground and background are exchanged, choose the other value with --background, "background" in dataset.json, or in the preview.',
    files.length === 1 ? files[0] : undefined,
  );
}

/** Masks whose colours or greys are those of an image: a photo, an overlay, or a cut-out. */
export function refusePhotos(findings: Findings, files: readonly string[]): void {
  findings.refuseFiles(
    'data/mask-looks-like-photo',
    files,
    'has many colours or greys that blend into each other, like a photo, a cut-out or a preview with an overlay, so their meaning cannot be determined',
    'Export the mask without smoothing: one plain colour, or one number, for each class or object. A cut-out is read where what is outside is transparent.',
  );
}

/** Masks that are none, and those in other samples than most. */
export function refuseOthers(findings: Findings): void {
  refusePhotos(findings, findings.gathered.statistics.photoFiles);
  const channels = findings.stats.views.get('channels');
  if (findings.samples !== 'channels') {
    if (channels)
      findings.refuseFiles(
        'data/mask-channels',
        [...channels.plainFiles, ...channels.fuzzyFiles],
        `has ${findings.stats.channels} channels, unlike the others`,
        'Export one grey channel with a number for each class.',
      );
    return;
  }
  if (findings.stats.overlapFiles.length > 0) {
    findings.refuseFiles(
      'data/mask-channels',
      findings.stats.overlapFiles,
      `has ${findings.stats.channels} channels of which several are set in one pixel, so that a pixel has no one class`,
      'Export one grey channel with a number for each class, or a file for each channel.',
    );
  } else {
    findings.evidence.push(
      `A pixel's class is the channel that is set, of ${findings.stats.channels} (one-hot).`,
    );
  }
  for (const view of ['grey', 'colour', 'palette'] as const) {
    const others = findings.stats.views.get(view);
    if (others)
      findings.refuseFiles(
        'data/mask-channels',
        [...others.plainFiles, ...others.fuzzyFiles],
        `does not have the ${findings.stats.channels} channels of the others`,
        'Export all masks alike.',
      );
  }
}

function filesText(findings: Findings, files: readonly string[]): string {
  return `${files.length} of ${findings.stats.masks} masks`;
}
