import { colourOf } from './class-colours.ts';
import type { LabelledObject, LabelSet } from './label-set.ts';
import { pointsOf } from './labelme.ts';
import { ClassNumbers, type OutFormat, remarkOnIgnored, textFile } from './out-format.ts';
import { type OutlinedPart, outlinedParts, type Ring } from './outlines.ts';

/** GeoJSON in pixels, as QuPath imports and exports it. */
export const geojson: OutFormat = {
  id: 'geojson',
  label: 'GeoJSON (QuPath)',
  help: 'A GeoJSON for each image with its objects as annotations, holes and parts included: drag it onto the image in QuPath.',
  files: ['a.geojson'],
  imageFolder: '',
  open: (set, remarks) => {
    const classes = new ClassNumbers(set);
    return {
      add: (image, { stem }) => {
        remarkOnIgnored(image, remarks);
        const features = image.objects.map((object) =>
          JSON.stringify(featureOf(object, image.width, set, classes)),
        );
        const text = `{"type":"FeatureCollection","features":[\n${features.join(',\n')}\n]}\n`;
        return [textFile(`${stem}.geojson`, text)];
      },
      finish: () => [],
    };
  },
};

function featureOf(object: LabelledObject, width: number, set: LabelSet, classes: ClassNumbers) {
  const { runs, className: name, score, origin } = object;
  const color = colourOf(set, name, classes.of(object));
  return {
    type: 'Feature',
    geometry: geometryOf(outlinedParts(runs, width)),
    properties: {
      objectType: 'annotation',
      ...(name === undefined ? {} : { classification: { name, color } }),
      ...(score === undefined ? {} : { measurements: { score } }),
      ...(origin === undefined ? {} : { metadata: { origin } }),
    },
  };
}

function geometryOf(parts: readonly OutlinedPart[]) {
  const all = parts.map(({ outer, holes }) => [outer, ...holes].map(closed));
  const [only] = all;
  return only && all.length === 1
    ? { type: 'Polygon', coordinates: only }
    : { type: 'MultiPolygon', coordinates: all };
}

/** The first point again at the end, as the format has it. */
const closed = (ring: Ring) => pointsOf([...ring, ...ring.slice(0, 2)]);
