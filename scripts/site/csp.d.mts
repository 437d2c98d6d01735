export declare function policy(mirror?: readonly string[]): string;
export declare function mirrorOrigins(text: string | undefined): string[];
export declare function withMirror(
  html: string,
  mirror: readonly string[],
  options?: { readonly hasPolicy?: boolean },
): string;
export declare function headerPolicy(html: string): string;
