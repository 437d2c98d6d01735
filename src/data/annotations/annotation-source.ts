import { textOf } from '../../config/text-of.ts';
import { nameParts } from '../file-names.ts';
import type { LazyFile } from '../lazy-file.ts';
import type { AnnotationSource, ImageReference } from './annotation-format.ts';
import type { ImageIndex } from './find-image.ts';
import { parseJson } from './parse-json.ts';

const HEAD = 4096;

/** The bytes of an annotation file; they are let go once they were parsed. */
export class AnnotationBytes implements AnnotationSource {
  readonly path: string;
  readonly folder: string;
  readonly extension: string;
  readonly head: string;
  private content: Uint8Array | undefined;
  private parsed: { readonly json: unknown; readonly error: string } | undefined;

  constructor(
    path: string,
    content: Uint8Array,
    private readonly files: ReadonlyMap<string, LazyFile>,
    private readonly index: ImageIndex,
  ) {
    const parts = nameParts(path);
    this.path = path;
    this.folder = parts.folders.join('/');
    this.extension = parts.extension;
    this.head = textOf(content.subarray(0, HEAD));
    this.content = content;
  }

  get bytes(): Uint8Array {
    if (!this.content) throw new Error(`${this.path} was let go when it was parsed`);
    return this.content;
  }

  get text(): string {
    return textOf(this.bytes);
  }

  get json(): unknown {
    return this.parse().json;
  }

  /** Why the text is no JSON; empty when it is. */
  get jsonError(): string {
    return this.parse().error;
  }

  file(path: string): LazyFile | undefined {
    return this.files.get(path);
  }

  paths(): Iterable<string> {
    return this.files.keys();
  }

  hasImage(reference: ImageReference): boolean {
    return this.index.find(reference, this.path) !== undefined;
  }

  private parse(): { readonly json: unknown; readonly error: string } {
    if (this.parsed) return this.parsed;
    try {
      this.parsed = { json: parseJson(this.text), error: '' };
      this.content = undefined;
    } catch (error) {
      this.parsed = { json: undefined, error: error instanceof Error ? error.message : String(error) };
    }
    return this.parsed;
  }
}
