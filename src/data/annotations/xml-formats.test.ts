import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 16);

async function read(xml: string, more: Readonly<Record<string, unknown>> = {}) {
  const { images, remarks } = await understoodDrop({
    'set/images/a.png': IMAGE,
    'set/annotations.xml': xml,
    ...more,
  });
  return { image: images['set/images/a.png'], remarks };
}

const cvat = (shapes: string) => `<?xml version="1.0" encoding="utf-8"?>
<annotations><version>1.1</version>
<meta><job><labels><label><name>stem</name></label><label><name>leaf &amp; twig</name></label></labels></job></meta>
<image id="0" name="a.png" width="20" height="16">${shapes}</image></annotations>`;

describe('CVAT XML', () => {
  it('reads polygons, boxes, ellipses and masks', async () => {
    const { image, remarks } = await read(
      cvat(`<tag label="stem"/>
        <polygon label="leaf &amp; twig" points="1.00,1.00;5.00,1.00;5.00,3.00;1.00,3.00" z_order="0"></polygon>
        <box label="stem" xtl="8" ytl="2" xbr="12" ybr="8" rotation="90.0"/>
        <ellipse label="stem" cx="4.4" cy="10.5" rx="3" ry="2"/>
        <mask label="stem" rle="1, 2, 3, 3" left="14" top="10" width="3" height="3"/>`),
    );
    expect(image?.objects).toEqual([
      ['stem', 24, [7, 3, 13, 7]],
      ['stem', 16, [1, 9, 7, 12]],
      ['leaf & twig', 8, [1, 1, 5, 3]],
      ['stem', 5, [14, 10, 17, 13]],
    ]);
    expect(remarks).toEqual([]);
  });

  it('joins the shapes of a group', async () => {
    const part = (x: number) =>
      `<polygon label="stem" group_id="2" points="${x},1;${x + 2},1;${x + 2},3;${x},3"/>`;
    expect((await read(cvat(part(1) + part(8)))).image?.objects).toEqual([['stem', 8, [1, 1, 10, 3]]]);
  });

  it('takes an image of another extension where there is one of the name, and says so', async () => {
    const shapes = '<polygon label="stem" points="1,1;5,1;5,3;1,3"/>';
    const { image, remarks } = await read(cvat(shapes).replace('"a.png"', '"a.tif"'));
    expect(image?.objects).toEqual([['stem', 8, [1, 1, 5, 3]]]);
    expect(remarks).toEqual([
      expect.stringMatching(/^notice data\/annotation-image-extension .* set\/images\/a.png for a.tif/),
    ]);
  });

  it('says what it cannot use', async () => {
    const bad: readonly (readonly [string, RegExp])[] = [
      ['<polyline label="stem" points="1,1;2,2"/>', /a polyline has no area/],
      ['<polygon label="stem" points="1,1;2,nine;3,3"/>', /coordinates is null/],
      ['<polygon label="stem"/>', /0 points/],
      ['<box label="stem" xtl="1" ytl="1" xbr="2"/>', /coordinates is null/],
      ['<mask rle="1,2" left="1" top="1" width="-3" height="3"/>', /place or size of its mask/],
      ['<mask rle="1,20" left="1" top="1" width="3" height="3"/>', /more than its 9 pixels/],
      ['<mask rle="" left="1" top="1" width="65000" height="65000"/>', /65000 × 65000 pixels/],
    ];
    for (const [shape, reason] of bad) {
      const { image, remarks } = await read(cvat(shape));
      expect(image).toBe(null);
      expect(remarks).toEqual([expect.stringMatching(reason)]);
      expect(remarks[0]).toMatch(/^refused data\/annotation-object/);
    }
    const video = await read('<annotations><track id="0" label="a"/></annotations>');
    expect(video.remarks).toEqual([expect.stringMatching(/^refused .*1 tracks of a video/)]);
  });

  it('refuses damaged XML, entities that grow and elements without end', async () => {
    const bomb = `<!DOCTYPE a [<!ENTITY b "bbbbbbbb"><!ENTITY c "&b;&b;&b;&b;">]><annotations>&c;</annotations>`;
    for (const xml of [
      cvat('').slice(0, -20),
      cvat('<polygon points=">'),
      `<annotations>${'<a>'.repeat(200_000)}`,
    ]) {
      expect((await read(xml)).remarks[0]).toMatch(/^refused data\/annotation-damaged .*XML is damaged/);
    }
    expect((await read(bomb)).image).toBe(null);
  });
});

describe('VOC XML', () => {
  const voc = (object: string) =>
    `<annotation><filename>a.png</filename><object><name>cat</name>${object}</object></annotation>`;
  const box = '<bndbox><xmin>1</xmin><ymin>1</ymin><xmax>4</xmax><ymax>4</ymax></bndbox>';

  it('refuses boxes, unless masks lie beside them', async () => {
    const { image, remarks } = await read(voc(box));
    expect(image).toBe(null);
    expect(remarks).toEqual([expect.stringMatching(/^refused data\/annotation-boxes .*a box/)]);
    const masks = await read(voc(box), { 'set/SegmentationClass/a.png': IMAGE });
    expect(masks.remarks.join()).not.toMatch(/annotations.xml/);
  });

  it('reads the outlines of the web version of LabelMe', async () => {
    const pt = (x: number, y: number) => `<pt><x>${x}</x><y>${y}</y></pt>`;
    const { image } = await read(voc(`<polygon>${pt(1, 1)}${pt(5, 1)}${pt(5, 3)}${pt(1, 3)}</polygon>`));
    expect(image?.objects).toEqual([['cat', 8, [1, 1, 5, 3]]]);
  });

  it('reads the outlines of Roboflow, and several of one object', async () => {
    const outline = (points: readonly (readonly [number, number])[]) =>
      `<polygon>${points.map(([x, y], i) => `<x${i + 1}>${x}</x${i + 1}><y${i + 1}>${y}</y${i + 1}>`).join('')}</polygon>`;
    const square = (x: number) =>
      outline([
        [x, 1],
        [x + 4, 1],
        [x + 4, 3],
        [x, 3],
      ]);
    const { image, remarks } = await read(voc(box + square(1) + square(9)));
    expect([image?.objects, remarks]).toEqual([[['cat', 16, [1, 1, 13, 3]]], []]);
    const lost = await read(voc('<polygon><x1>1</x1><y1>2</y1><x2>3</x2></polygon>'));
    expect(lost.remarks).toEqual([expect.stringMatching(/coordinates is null/)]);
  });
});
