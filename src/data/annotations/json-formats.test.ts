import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 10);

/** Bytes packed as `@thi.ng/rle-pack` does, in lengths of 4, 8, 8 and 16 bits. */
function packed(values: Uint8Array): number[] {
  const bits: number[] = [];
  const write = (value: number, count: number) => {
    for (let i = count - 1; i >= 0; i--) bits.push(Math.floor(value / 2 ** i) % 2);
  };
  write(values.length, 32);
  write(7, 5);
  for (const length of [3, 7, 7, 15]) write(length, 4);
  for (let at = 0; at < values.length; ) {
    let same = at;
    while (same < values.length && values[same] === values[at] && same - at < 65_536) same++;
    if (same - at > 3) {
      write(1, 1);
      write(3, 2);
      write(same - at - 1, 16);
      write(values[at] ?? 0, 8);
      at = same;
    } else {
      const count = Math.min(3, values.length - at);
      write(0, 1);
      write(0, 2);
      write(count - 1, 4);
      for (const end = at + count; at < end; at++) write(values[at] ?? 0, 8);
    }
  }
  return Array.from({ length: Math.ceil(bits.length / 8) }, (_, i) =>
    bits.slice(8 * i, 8 * i + 8).reduce((sum, bit, k) => sum + bit * 2 ** (7 - k), 0),
  );
}

describe('Label Studio', () => {
  const region = (type: string, value: object, more: object = {}) => ({
    id: 'r',
    type,
    original_width: 20,
    original_height: 10,
    value,
    ...more,
  });
  const task = (result: readonly object[], image = '/data/upload/3/1a2b3c4d-a.png') => [
    { id: 4, data: { image }, annotations: [{ was_cancelled: false, result }], predictions: [] },
  ];
  const read = async (json: unknown, name = 'set/1a2b3c4d-a.png') => {
    const { images, remarks } = await understoodDrop({ [name]: IMAGE, 'set/project.json': json });
    return { image: images[name], remarks };
  };

  it('reads polygons, rectangles and ellipses in percent', async () => {
    const { image, remarks } = await read(
      task([
        region('polygonlabels', {
          points: [
            [5, 10],
            [25, 10],
            [25, 30],
            [5, 30],
          ],
          polygonlabels: ['a'],
        }),
        region('rectanglelabels', {
          x: 50,
          y: 20,
          width: 20,
          height: 20,
          rotation: 0,
          rectanglelabels: ['b'],
        }),
        region('ellipselabels', {
          x: 20,
          y: 70,
          radiusX: 10,
          radiusY: 20,
          rotation: 0,
          ellipselabels: ['b'],
        }),
        region('choices', { choices: ['good'] }),
      ]),
    );
    expect(image?.objects).toEqual([
      ['b', 12, [2, 5, 6, 9]],
      ['a', 8, [1, 1, 5, 3]],
      ['b', 8, [10, 2, 14, 4]],
    ]);
    expect(remarks).toEqual([]);
  });

  it('reads a brush, and labels that stand beside their shape', async () => {
    const rgba = new Uint8Array(20 * 10 * 4);
    for (const pixel of [0, 21, 22, 23, 199]) rgba.fill(255, 4 * pixel, 4 * pixel + 4);
    const { image } = await read(
      task([region('brush', { format: 'rle', rle: packed(rgba) }), region('labels', { labels: ['leaf'] })]),
    );
    expect(image?.objects).toEqual([['leaf', 5, [0, 0, 20, 10]]]);
  });

  it('finds images by upload, by local file and without the code that an upload puts before the name', async () => {
    const shape = [
      region('polygon', {
        points: [
          [5, 10],
          [25, 10],
          [25, 30],
        ],
      }),
    ];
    for (const address of [
      '/data/upload/3/1a2b3c4d-a.png',
      '/data/local-files/?d=photos%2F1a2b3c4d-a.png',
      'http://h/1a2b3c4d-a.png?x',
    ]) {
      expect((await read(task(shape, address))).image?.objects.length).toBe(1);
    }
    expect((await read(task(shape), 'set/a.png')).image?.objects.length).toBe(1);
    const { remarks } = await read(task(shape, 'https://h/other.png'));
    expect(remarks).toEqual([
      expect.stringMatching(/^refused data\/annotation-image-address .*https:\/\/h\/other.png/),
    ]);
  });

  it('reads JSON-MIN, and leaves tasks alone that nobody annotated', async () => {
    const label = [
      {
        points: [
          [5, 10],
          [25, 10],
          [25, 30],
          [5, 30],
        ],
        polygonlabels: ['a'],
        original_width: 20,
        original_height: 10,
      },
    ];
    const { image } = await read([{ image: '1a2b3c4d-a.png', id: 1, label, annotator: 1 }]);
    expect(image?.objects).toEqual([['a', 8, [1, 1, 5, 3]]]);
    expect((await read([{ id: 4, data: { image: '1a2b3c4d-a.png' }, annotations: [] }])).image).toBe(null);
  });

  it('takes the first annotation that outlines something, and says that there are others', async () => {
    const one = region('rectanglelabels', { x: 5, y: 10, width: 20, height: 20, rectanglelabels: ['a'] });
    const link = { type: 'relation', from_id: 'r', to_id: 's' };
    const tasks = (...results: readonly (readonly object[])[]) => [
      { id: 4, data: { image: 'a.png' }, annotations: results.map((result) => ({ result })) },
    ];
    const { image, remarks } = await read(tasks([], [one, link]), 'set/a.png');
    expect(image?.objects).toEqual([['a', 8, [1, 1, 5, 3]]]);
    expect(remarks).toContainEqual(
      expect.stringMatching(/^notice data\/annotation-several .*1 of its 1 tasks.*task 4/),
    );
    expect((await read(tasks([one, link]), 'set/a.png')).remarks.join()).not.toMatch(/several|Left out/);
    expect((await read(tasks([]), 'set/a.png')).image).toEqual({ objects: [], ignored: 0 });
  });

  it('does not read what a model predicted, and says that nobody annotated', async () => {
    const predictions = [{ result: [region('rectangle', { x: 5, y: 10, width: 20, height: 20 })] }];
    for (const annotations of [[], undefined]) {
      const json = [{ id: 4, data: { image: 'a.png' }, annotations, predictions }];
      const { image, remarks } = await read(json, 'set/a.png');
      expect(image).toBe(null);
      expect(remarks).toEqual([
        expect.stringMatching(/^refused data\/annotation-predictions .*Nobody annotated 1 of its 1 tasks/),
      ]);
    }
  });

  it('says what it cannot use', async () => {
    const bad: readonly (readonly [object, RegExp])[] = [
      [region('keypointlabels', { x: 1, y: 1, keypointlabels: ['a'] }), /a keypoint has no area/],
      [region('brushlabels', { rle: [1, 2, 3] }), /covers .* pixels and its image has 200/],
      [region('brushlabels', { rle: packed(new Uint8Array(800)).slice(0, -3) }), /brush are damaged/],
      [region('brushlabels', { rle: [1, -2] }), /byte 2 of its brush is -2/],
      [region('brushlabels', {}), /no run lengths/],
      [
        region('polygonlabels', {
          points: [
            [1, 1],
            [2, 2],
          ],
        }),
        /2 points/,
      ],
      [
        region(
          'polygonlabels',
          {
            points: [
              [1, 1],
              [2, 2],
              [3, 1],
            ],
          },
          { original_width: '20' },
        ),
        /size of its image/,
      ],
    ];
    for (const [each, reason] of bad) {
      const { image, remarks } = await read(task([each]));
      expect(image).toBe(null);
      expect(remarks).toEqual([expect.stringMatching(reason)]);
    }
  });
});

describe('GeoJSON', () => {
  const ring = (x: number, side: number) => [
    [x, 1],
    [x + side, 1],
    [x + side, 1 + side],
    [x, 1 + side],
    [x, 1],
  ];
  const feature = (geometry: object, name?: string) => ({
    type: 'Feature',
    geometry,
    properties: name ? { objectType: 'annotation', classification: { name, color: [200, 0, 0] } } : {},
  });
  const read = async (json: unknown, path = 'set/a.geojson') => {
    const { images, remarks } = await understoodDrop({ 'set/a.png': IMAGE, [path]: json });
    return { image: images['set/a.png'], remarks };
  };

  it('reads polygons with holes and several parts, in all three wrappings', async () => {
    const features = [
      feature(
        {
          type: 'Polygon',
          coordinates: [
            ring(1, 6),
            [
              [2, 2],
              [4, 2],
              [4, 4],
              [2, 4],
              [2, 2],
            ],
          ],
        },
        'Tumor',
      ),
      feature({ type: 'MultiPolygon', coordinates: [[ring(9, 2)], [ring(13, 3)]] }, 'Stroma'),
    ];
    const expected = [
      ['Tumor', 32, [1, 1, 7, 7]],
      ['Stroma', 13, [9, 1, 16, 4]],
    ];
    expect((await read({ type: 'FeatureCollection', features })).image?.objects).toEqual(expected);
    expect((await read(features, 'set/a.json')).image?.objects).toEqual(expected);
    expect((await read({ type: 'FeatureCollection', features }, 'set/a.png.geojson')).image?.objects).toEqual(
      expected,
    );
    expect(
      (await read({ type: 'FeatureCollection', features }, 'set/export.geojson')).image?.objects,
    ).toEqual(expected);
    const [first] = features;
    expect((await read(first)).image?.objects).toEqual([['Tumor', 32, [1, 1, 7, 7]]]);
  });

  it('joins the parts of a derived classification', async () => {
    const derived = { classification: { names: ['Tumor', 'Positive'], color: [200, 0, 0] } };
    const { image } = await read([
      { type: 'Feature', geometry: { type: 'Polygon', coordinates: [ring(1, 3)] }, properties: derived },
    ]);
    expect(image?.objects.map(([name]) => name)).toEqual(['Tumor: Positive']);
  });

  it('calls objects without a class unnamed where others have one', async () => {
    const features = [
      feature({ type: 'Polygon', coordinates: [ring(1, 3)] }, 'A'),
      feature({ type: 'Polygon', coordinates: [ring(9, 2)] }),
    ];
    const { image } = await read(features);
    expect(image?.objects.map(([name]) => name)).toEqual(['A', 'unnamed']);
  });

  it('says what it cannot use', async () => {
    const { image, remarks } = await read([
      feature({ type: 'Point', coordinates: [1, 2] }),
      feature({
        type: 'Polygon',
        coordinates: [
          [
            [1, 1],
            [2, 2],
          ],
        ],
      }),
      feature({ type: 'MultiPolygon', coordinates: [] }),
      { type: 'Feature', geometry: null },
    ]);
    expect(image).toBe(null);
    expect(remarks).toEqual([
      expect.stringMatching(/feature 1: a Point has no area/),
      expect.stringMatching(/feature 2: it has 2 points/),
      expect.stringMatching(/feature 3: its coordinates are missing/),
      expect.stringMatching(/feature 4: geometry/),
    ]);
    const earth = await read({ type: 'FeatureCollection', crs: { type: 'name' }, features: [] });
    expect(earth.remarks).toEqual([expect.stringMatching(/^refused data\/annotation-on-earth/)]);
  });
});

describe('VIA', () => {
  const regions = [
    {
      shape_attributes: { name: 'polygon', all_points_x: [1, 5, 5, 1], all_points_y: [1, 1, 3, 3] },
      region_attributes: { type: 'a' },
    },
    {
      shape_attributes: { name: 'rect', x: 8, y: 2, width: 4, height: 3 },
      region_attributes: { type: { b: true } },
    },
    { shape_attributes: { name: 'circle', cx: 4.5, cy: 6.5, r: 2.2 }, region_attributes: {} },
    { shape_attributes: { name: 'point', cx: 4, cy: 6 }, region_attributes: {} },
  ];
  const expected = [
    ['unnamed', 13, [2, 4, 7, 9]],
    ['b', 12, [8, 2, 12, 5]],
    ['a', 8, [1, 1, 5, 3]],
  ];

  it('reads a project and exported annotations', async () => {
    const entries = { 'a.png123': { filename: 'a.png', size: 123, regions, file_attributes: {} } };
    for (const json of [entries, { _via_settings: {}, _via_img_metadata: entries }]) {
      const { images, remarks } = await understoodDrop({ 'set/a.png': IMAGE, 'set/via.json': json });
      expect(images['set/a.png']?.objects).toEqual(expected);
      expect(remarks).toEqual([expect.stringMatching(/region 4 of a.png: a point has no area/)]);
    }
  });

  it.each([
    ['of such a name', { id: '1', type: 'leaf' }, { id: '2', type: 'stem' }, ['leaf', 'stem']],
    ['that repeats', { name: 'leaf 1', what: 'leaf' }, { name: 'leaf 2', what: 'leaf' }, ['leaf', 'leaf']],
    ['that is first', { species: 'oak', state: 'dry' }, { species: 'oak', state: 'dry' }, ['oak', 'oak']],
  ])('takes the class from the attribute %s', async (_, one, other, names) => {
    const own = [one, other].map((regionAttributes, i) => ({
      shape_attributes: { name: 'circle', cx: 4 + 8 * i, cy: 5, r: 3 - i },
      region_attributes: regionAttributes,
    }));
    const json = { 'a.png1': { filename: 'a.png', size: 1, regions: own, file_attributes: {} } };
    const { images } = await understoodDrop({ 'set/a.png': IMAGE, 'set/via.json': json });
    const found = images['set/a.png']?.objects.map(([name]) => name);
    expect(found?.map((name) => (name === 'foreground' ? names[0] : name))).toEqual(names);
  });

  it.each([
    ['with commas', ','],
    ['with semicolons, as Excel saves it again', ';'],
    ['with tabs', '\t'],
  ])('reads CSV %s', async (_, separator) => {
    const quoted = (value: object) => `"${JSON.stringify(value).replaceAll('"', '""')}"`;
    const rows = regions.map(({ shape_attributes: shape, region_attributes: own }, i) =>
      ['a.png', 123, '{}', 4, i, quoted(shape), quoted(own)].join(separator),
    );
    const names = 'filename file_size file_attributes region_count region_id region_shape_attributes';
    const csv = [[...names.split(' '), 'region_attributes'].join(separator), ...rows].join('\n');
    const { images } = await understoodDrop({ 'a.png': IMAGE, 'via.csv': csv });
    expect(images['a.png']?.objects).toEqual(expected);
  });

  it('reads CSV', async () => {
    const quoted = (value: object) => `"${JSON.stringify(value).replaceAll('"', '""')}"`;
    const lines = regions.map(
      ({ shape_attributes: shape, region_attributes: own }, i) =>
        `a.png,123,"{}",4,${i},${quoted(shape)},${quoted(own)}`,
    );
    const csv = [
      '#filename,file_size,file_attributes,region_count,region_id,region_shape_attributes,region_attributes',
      ...lines,
      'b.png,1,"{}",0,0,"{}","{}"',
      'a.png,1,{},1,9,"{""na,"{}"',
    ].join('\r\n');
    const { images, remarks } = await understoodDrop({ 'a.png': IMAGE, 'b.png': IMAGE, 'via.csv': csv });
    expect(images['a.png']?.objects).toEqual(expected);
    expect(images['b.png']).toEqual({ objects: [], ignored: 0 });
    expect(remarks).toEqual([
      expect.stringMatching(/a point has no area/),
      expect.stringMatching(/region 5 of a.png: shape_attributes/),
    ]);
  });
});
