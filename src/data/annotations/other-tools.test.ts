import { describe, expect, it } from 'vitest';
import { blankPng, understoodDrop } from '../../testing/understood-drop.ts';
import { readAnnotations } from './read-annotations.ts';

describe('annotation files of tools whose own form is not read', () => {
  const lines = (...values: readonly unknown[]) => values.map((value) => JSON.stringify(value)).join('\n');
  it.each([
    [
      'via_project.json',
      { project: {}, config: {}, attribute: {}, file: {}, metadata: {}, view: {} },
      /VIA 3/,
    ],
    [
      'hasty.json',
      { project_name: 'x', export_format_version: '1.1', label_classes: [], images: [] },
      /Hasty/,
    ],
    ['a.json', { version: '2.0', item: { name: 'a.png' }, annotations: [] }, /V7/],
    [
      'a.json',
      { dataset: 'x', image: { filename: 'a.png' }, annotations: [{ name: 'x', polygon: { path: [] } }] },
      /V7/,
    ],
    ['a.png___objects.json', { metadata: { name: 'a.png' }, instances: [], tags: [] }, /SuperAnnotate/],
    ['export.json', [{ ID: 'x', 'Labeled Data': 'https://x/a.png', Label: {} }], /Labelbox/],
    ['export.ndjson', lines({ data_row: {}, projects: {} }, { data_row: {}, projects: {} }), /Labelbox/],
    ['datumaro.json', { info: {}, categories: {}, items: [] }, /Datumaro/],
    ['encord.json', [{ label_hash: 'x', data_title: 'a.png', data_units: {} }], /Encord/],
    ['kili.json', [{ id: 'x', externalId: 'a.png', labels: [] }], /Kili/],
    ['scale.json', [{ task_id: 'x', params: {}, response: { annotations: [] } }], /Scale/],
    ['v1.json', { name: 'v1', description: '', dataset: { samples: [] } }, /Segments\.ai/],
    ['a_gtFine_polygons.json', { imgHeight: 9, imgWidth: 9, objects: [] }, /Cityscapes/],
    ['other.json', { anything: 1 }, /no annotations in a form/],
    ['other.ndjson', 'no json', /^refused data\/not-an-image/],
  ])('%s is named', async (name, content, says) => {
    const { images, remarks } = await understoodDrop({
      'set/a.png': blankPng(9, 9),
      [`set/${name}`]: content,
    });
    expect(images).toEqual({ 'set/a.png': null });
    expect(remarks).toEqual([expect.stringMatching(says)]);
    expect(remarks[0]).toMatch(/^refused/);
  });

  it('of Cityscapes are left aside for the masks beside them, once for all folders', async () => {
    const outlines = { imgHeight: 10, imgWidth: 20, objects: [] };
    const files = ['ulm/ulm_1', 'ulm/ulm_2', 'bonn/bonn_1', 'bonn/bonn_2'].flatMap((name) => [
      [`leftImg8bit/train/${name}_leftImg8bit.png`, blankPng(20, 10)] as const,
      [`gtFine/train/${name}_gtFine_labelIds.png`, blankPng(20, 10)] as const,
      [`gtFine/train/${name}_gtFine_polygons.json`, outlines] as const,
    ]);
    const { remarks } = await understoodDrop(Object.fromEntries(files));
    expect(remarks).toEqual([
      expect.stringMatching(
        /^notice data\/annotation-aside .*bonn_1_gtFine_polygons.json: .*_labelIds.png, .* 3 other files/,
      ),
    ]);
  });

  it('of xBD are left aside for the masks of their images', async () => {
    const { remarks } = await understoodDrop({
      'train/images/a_00000001_pre_disaster.png': blankPng(20, 10),
      'train/targets/a_00000001_pre_disaster_target.png': blankPng(20, 10),
      'train/labels/a_00000001_pre_disaster.json': { features: { lng_lat: [], xy: [] }, metadata: {} },
    });
    expect(remarks.filter((text) => text.includes('.json'))).toEqual([
      expect.stringMatching(/^notice data\/annotation-aside .*disaster_target.png, holds the same/),
    ]);
  });

  it('of no tool that is known are to be exported as tools can', async () => {
    const bytes = new TextEncoder().encode('{"anything": 1}');
    const file = { path: 'other.json', size: bytes.length, bytes: async () => bytes };
    const { refusals } = await readAnnotations(new Map([[file.path, file]]));
    expect(refusals.map(({ cure }) => cure)).toEqual([
      'Nothing is missing if it says nothing of objects; else export these as COCO, LabelMe, Label Studio, Supervisely, GeoJSON, VIA, or as masks.',
    ]);
  });
});
