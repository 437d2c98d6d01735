import { describe, expect, it } from 'vitest';
import { ShaderLibrary } from './shader-library.ts';

describe('shader library', () => {
  it('includes a file once, however often it is asked for', () => {
    const library = new ShaderLibrary(
      new Map([
        ['op/a', '#include "lib/x"\n#include "lib/y"\nmain'],
        ['lib/x', '#include "lib/y"\nX'],
        ['lib/y', 'Y'],
      ]),
    );
    expect(library.source('op/a').match(/Y/g)).toHaveLength(1);
    expect(library.source('op/a')).toMatch(/Y[\s\S]*X[\s\S]*main/);
  });

  it('says which file is missing', () => {
    const library = new ShaderLibrary(new Map([['op/a', '#include "lib/none"']]));
    expect(() => library.source('op/a')).toThrow(/shaders\/lib\/none\.wgsl/);
  });
});
