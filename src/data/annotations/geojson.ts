import * as v from 'valibot';
import { isRecord } from '../../config/is-record.ts';
import { withoutExtension } from '../file-names.ts';
import { refuse } from '../outcome.ts';
import {
  type AnnotationContent,
  type AnnotationFormat,
  type AnnotationSource,
  issueText,
  NO_AREA,
  ObjectFaults,
  ringsOf,
} from './annotation-format.ts';
import { type AnnotatedObject, type Shape, union } from './shape.ts';

const feature = v.object({
  type: v.literal('Feature'),
  geometry: v.object({
    type: v.string(),
    coordinates: v.optional(v.unknown()),
    geometries: v.optional(v.unknown()),
  }),
  properties: v.optional(v.nullable(v.record(v.string(), v.unknown()))),
});

/** GeoJSON in pixels, as QuPath writes it: a file for each image, of the image's name. */
export const geojson: AnnotationFormat = {
  id: 'geojson',
  name: 'GeoJSON',
  extensions: ['json', 'geojson'],
  recognises: ({ json, extension }) => {
    const [first] = featuresOf(json);
    return isRecord(first) ? first.type === 'Feature' : extension === 'geojson' && isRecord(json);
  },
  read: readGeojson,
};

function featuresOf(json: unknown): readonly unknown[] {
  if (Array.isArray(json)) return json;
  if (!isRecord(json)) return [];
  if (json.type === 'FeatureCollection' && Array.isArray(json.features)) return json.features;
  return json.type === 'Feature' ? [json] : [];
}

const CURE = 'Outline it with a polygon.';

function readGeojson({ json, path, folder }: AnnotationSource): AnnotationContent {
  if (isRecord(json) && json.crs !== undefined) {
    throw refuse(
      'data/annotation-on-earth',
      path,
      'This GeoJSON has a coordinate reference system (crs): its coordinates are places on the earth, not pixels.',
      'Convert them to pixels of the image, or rasterise them to a mask of the image in a GIS program.',
    );
  }
  const features = featuresOf(json);
  const faults = new ObjectFaults();
  const objects = features.flatMap((each, i): AnnotatedObject[] => {
    const parsed = v.safeParse(feature, each);
    const shape = parsed.success ? shapeOf(parsed.output.geometry) : issueText(parsed.issues[0]);
    if (typeof shape === 'string' || !parsed.success) {
      faults.add(String(shape), `feature ${i + 1}`, CURE);
      return [];
    }
    const className = classOf(parsed.output.properties ?? {});
    return [{ shape, ...(className === undefined ? {} : { className }) }];
  });
  const isUnusable = features.length > 0 && objects.length === 0;
  // `slide.tif.geojson` names its image with the extension, `slide.geojson` without.
  const stem = path.replace(/\.(geo)?json$/i, '');
  const reference = { name: stem, stems: [stem, withoutExtension(stem)], onlyImageOf: folder };
  return { images: [{ reference, objects, isUnusable }], remarks: faults.remarks(path, isUnusable) };
}

/** QuPath's classification, or a field that says as much. */
function classOf(properties: Readonly<Record<string, unknown>>): string | undefined {
  const { classification } = properties;
  const named = isRecord(classification) ? nameOf(classification) : classification;
  return [named, properties.class, properties.label, properties.category].find(
    (name): name is string => typeof name === 'string' && name !== '',
  );
}

/** A classification's name; of a derived one QuPath writes the parts alone, `["Tumor", "Positive"]`. */
function nameOf({ name, names }: Readonly<Record<string, unknown>>): unknown {
  if (typeof name === 'string' || !Array.isArray(names)) return name;
  return names.filter((each) => typeof each === 'string' && each !== '').join(': ');
}

type Geometry = v.InferOutput<typeof feature>['geometry'];

function shapeOf({ type, coordinates, geometries }: Geometry): Shape | string {
  switch (type) {
    case 'Polygon':
      return polygonOf(coordinates);
    case 'MultiPolygon': {
      if (!Array.isArray(coordinates) || coordinates.length === 0) return 'its coordinates are missing';
      return unionOf(coordinates.map(polygonOf));
    }
    case 'GeometryCollection': {
      if (!Array.isArray(geometries) || geometries.length === 0) return 'its geometries are missing';
      return unionOf(
        geometries.map((each: unknown) => {
          if (isRecord(each) && each.type === 'Polygon') return polygonOf(each.coordinates);
          return `a collection with a ${isRecord(each) ? String(each.type) : 'gap'} in it`;
        }),
      );
    }
    default:
      return `a ${type} ${NO_AREA}`;
  }
}

function unionOf(shapes: readonly (Shape | string)[]): Shape | string {
  const wrong = shapes.find((shape) => typeof shape === 'string');
  return wrong ?? union(shapes.filter((shape) => typeof shape !== 'string'));
}

/** The outer ring and its holes. */
function polygonOf(coordinates: unknown): Shape | string {
  if (!Array.isArray(coordinates) || coordinates.length === 0) return 'its coordinates are missing';
  const rings = ringsOf(coordinates);
  return typeof rings === 'string' ? rings : { kind: 'polygon', rings };
}
