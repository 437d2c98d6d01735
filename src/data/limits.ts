/** What one file may cost at most, hostile ones included. */
export const limits = {
  /** Pixels of one image; a larger one is refused before anything is allocated for it. */
  pixels: 100_000_000,
  /** Longest side in pixels. */
  side: 65_535,
  /** Bytes of one image's samples, unpacked: what {@link pixels} of three channels and 32 bits take, and more. */
  rasterBytes: 1280 * 1024 * 1024,
  /** Bytes of one file. */
  fileBytes: 512 * 1024 * 1024,
  /** Bytes of one zip; more does not fit one buffer in every browser. */
  zipFileBytes: 2 * 1024 * 1024 * 1024 - 1024 * 1024,
  /** Entries of one zip. */
  zipEntries: 20_000,
  /** Bytes of one zip's entries together, unpacked. */
  zipBytes: 4 * 1024 * 1024 * 1024,
  /** Images of one array. */
  stackPages: 100_000,
  /** Arrays of one archive. */
  archiveArrays: 1000,
  /** Zips that a zip may lie in. */
  zipDepth: 3,
  /** Bytes of all zips within one zip together: they are held while their files are used. */
  nestedZipBytes: 1024 * 1024 * 1024,
  /** Entries of one project: several files for each image. */
  projectEntries: 200_000,
  /** Bytes of one project's entries together, unpacked; they are read and stored one by one. */
  projectBytes: 64 * 1024 * 1024 * 1024,
} as const;
