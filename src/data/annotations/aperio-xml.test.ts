import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';

const IMAGE = blankPng(20, 16);

const region = (id: number, points: readonly (readonly [number, number])[], more = 'Type="0"') =>
  `<Region Id="${id}" ${more} Zoom="0.5" Length="8" Area="4" Selected="0"><Attributes/><Vertices>${points
    .map(([x, y]) => `<Vertex X="${x}" Y="${y}" Z="0"/>`)
    .join('')}</Vertices></Region>`;

const layer = (regions: string, about = '<Annotation Id="1" Name="" ReadOnly="0">') =>
  `${about}<Attributes><Attribute Name="Description" Id="0" Value=""/></Attributes><Regions><RegionAttributeHeaders><AttributeHeader Id="9999" Name="Region" ColumnWidth="-1"/></RegionAttributeHeaders>${regions}</Regions><Plots/></Annotation>`;

const file = (...layers: readonly string[]) =>
  `<?xml version="1.0" encoding="utf-8"?><Annotations MicronsPerPixel="0.252000">${layers.join('')}</Annotations>`;

const box = (x0: number, y0: number, x1: number, y1: number) =>
  [
    [x0, y0],
    [x1, y0],
    [x1, y1],
    [x0, y1],
  ] as const;

async function read(xml: string) {
  const { images, remarks } = await understoodDrop({
    'MoNuSeg/Tissue Images/TCGA-18.tif.png': IMAGE,
    'MoNuSeg/Annotations/TCGA-18.tif.xml': xml,
  });
  return { objects: images['MoNuSeg/Tissue Images/TCGA-18.tif.png']?.objects, remarks };
}

describe('Aperio ImageScope XML', () => {
  it('reads regions, rectangles, ellipses and holes, of the image of its name', async () => {
    const { objects, remarks } = await read(
      file(
        layer(
          region(1, box(1, 1, 7, 7)) +
            region(2, box(3, 3, 5, 5), 'Type="0" NegativeROA="1"') +
            region(
              3,
              [
                [9, 1],
                [9, 4],
                [13, 4],
                [13, 1],
              ],
              'Type="1"',
            ) +
            region(
              4,
              [
                [1, 9],
                [5, 13],
              ],
              'Type="2"',
            ),
        ),
      ),
    );
    expect(objects).toEqual([
      ['foreground', 32, [1, 1, 7, 7]],
      ['foreground', 12, [9, 1, 13, 4]],
      ['foreground', 12, [1, 9, 5, 13]],
    ]);
    expect(remarks).toEqual([]);
  });

  it('takes the name of a layer, or of its attribute, for the class', async () => {
    const named = '<Annotation Id="1" Name="Tumor">';
    const ofAttribute = layer(region(1, box(9, 1, 11, 3))).replace('"Description"', '"Epithelial"');
    const { objects } = await read(file(layer(region(1, box(1, 1, 4, 4)), named), ofAttribute));
    expect(objects).toEqual([
      ['Tumor', 9, [1, 1, 4, 4]],
      ['Epithelial', 4, [9, 1, 11, 3]],
    ]);
  });

  it('says what of it has no area, and refuses what is damaged', async () => {
    const { objects, remarks } = await read(
      file(
        layer(
          region(1, box(1, 1, 4, 4)) +
            region(2, box(1, 1, 9, 9).slice(0, 2), 'Type="3"') +
            region(3, box(1, 1, 9, 9).slice(0, 2)) +
            region(4, box(12, 12, 14, 14), 'NegativeROA="1"') +
            '<Region Id="5"><Vertices><Vertex X="1"/><Vertex X="2" Y="a"/><Vertex X="2" Y="2"/></Vertices></Region>',
        ),
      ),
    );
    expect(objects).toEqual([['foreground', 9, [1, 1, 4, 4]]]);
    const path = 'MoNuSeg/Annotations/TCGA-18.tif.xml';
    expect(remarks).toEqual([
      `notice data/annotation-object ${path}: Left out: region 2: a line, arrow or ruler has no area.`,
      `notice data/annotation-object ${path}: Left out: region 3: it has 2 points, fewer than 3.`,
      `notice data/annotation-object ${path}: Left out: region 5: one of its coordinates is null.`,
      `notice data/annotation-object ${path}: Left out: region 4: it is marked negative and lies in no other.`,
    ]);
    const cut = await read(file(layer(region(1, box(1, 1, 4, 4)))).slice(0, 400));
    expect(cut.objects).toBeUndefined();
    expect(cut.remarks.join()).toMatch(
      /refused data\/annotation-damaged .*This XML is damaged or incomplete/,
    );
  });
});
