import type { AnnotationFormat } from './annotation-format.ts';
import { coco } from './coco.ts';

/** The annotation formats that are read. The first one that recognises a file reads it. */
export const annotationFormats: readonly AnnotationFormat[] = [coco];
