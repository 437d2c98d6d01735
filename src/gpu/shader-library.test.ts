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

  it('asks for narrow subgroups where they have a size, before the entry points that want them', () => {
    const sources = new Map([
      ['op/a', '#include "lib/x"\nfn a() {}'],
      ['op/b', 'fn b() {}'],
      ['lib/x', '#narrow-subgroups\n@compute @workgroup_size(64)\nfn main() {}'],
    ]);
    const main = '@compute @workgroup_size(64)\nfn main() {}\nfn a() {}';
    expect(new ShaderLibrary(sources).source('op/a').trim()).toBe(main);
    const narrow = new ShaderLibrary(sources, 8);
    expect(narrow.source('op/a')).toBe(`enable subgroup_size_control;\n@subgroup_size(8)\n${main}`);
    expect(narrow.source('op/b')).toBe('fn b() {}');
  });

  it('says which file is missing', () => {
    const library = new ShaderLibrary(new Map([['op/a', '#include "lib/none"']]));
    expect(() => library.source('op/a')).toThrow(/shaders\/lib\/none\.wgsl/);
  });
});
