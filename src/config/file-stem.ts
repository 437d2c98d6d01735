/** A file's name without its extension after what a person called something: letters, digits and `.+-` of any language stay. */
export function fileStem(name: string, whenEmpty: string): string {
  return name.replaceAll(/[^\p{L}\p{N} .+-]+/gu, '_') || whenEmpty;
}
