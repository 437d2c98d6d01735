/** The device and the models of the fake engine. */
import type { CallName, CatalogueEntry, FailureRecord, GpuReport, ModelInfo } from '../../worker/protocol.ts';
import type { FakeOptions, Handlers } from './fake-handlers.ts';
import { CAPABILITIES } from './samples.ts';

export const MODEL: ModelInfo = {
  hash: '9f2b4c1a7d3e5f60718293a4b5c6d7e8',
  name: 'mopeft-sam-tiny',
  source: 'embedded',
  embeddedId: 'mopeft-sam-tiny',
  catalogueId: null,
  parameterCount: 9_734_104,
  imageSize: 512,
  blockCount: 8,
  blockWidths: [192, 192],
  bytes: 19_468_208,
  licence: 'Trained by this project, Apache-2.0',
  family: 'SAM (vit)',
  preprocessing: {
    aspect: 'keep',
    normalisation: { kind: 'mean-std', mean: [0.485, 0.456, 0.406], std: [0.229, 0.224, 0.225], range: 1 },
  },
  decoderHeads: 4,
  remarks: [],
  leftAlone: [],
};

const VIT_B: CatalogueEntry = {
  id: 'sam-vit-b',
  label: 'SAM ViT-B',
  use: 'Any image; the usual base for fine-tuning.',
  family: 'SAM, ViT-B',
  licence: 'Apache-2.0 (Meta AI)',
  page: 'https://huggingface.co/facebook/sam-vit-base',
  from: 'huggingface.co/facebook/sam-vit-base',
  bytes: 374_979_480,
  hasChecksum: true,
  state: 'absent',
  storedBytes: 0,
};

const SOFTWARE: GpuReport = {
  state: 'ready',
  vendor: 'google',
  architecture: 'swiftshader',
  description: 'SwiftShader Device (LLVM 16.0.0)',
  isSoftware: true,
  features: ['subgroups'],
  limits: {
    maxBufferSize: 268435456,
    maxStorageBufferBindingSize: 134217728,
    maxStorageBuffersPerShaderStage: 8,
    maxComputeWorkgroupStorageSize: 16384,
    maxComputeInvocationsPerWorkgroup: 256,
  },
};

const MISSING: GpuReport = {
  state: 'missing',
  error: {
    code: 'gpu/no-webgpu',
    what: 'This browser has no WebGPU.',
    cure: 'Use a recent Chrome, Edge, Safari or Firefox.',
  },
};

const NO_STORAGE: FailureRecord = {
  code: 'storage/unavailable',
  what: 'The browser gives this page no storage.',
  cure: 'Leave private browsing.',
};

export function fakeModel(
  options: FakeOptions,
): Pick<Handlers, Extract<CallName, 'boot' | 'gpu.recover' | 'capabilities' | `model.${string}`>> {
  let library: readonly CatalogueEntry[] = [VIT_B];
  return {
    boot: () => ({
      gpu: options.noGpu ? MISSING : SOFTWARE,
      capabilities: CAPABILITIES,
      model: options.noGpu ? null : MODEL,
      modelFailure: null,
      storageFailure: options.noStorage ? NO_STORAGE : null,
      deviceMemoryGiB: 8,
    }),
    'gpu.recover': () => SOFTWARE,
    capabilities: () => CAPABILITIES,
    'model.list': () => ({
      default: 'mopeft-sam-tiny',
      models: [
        { id: 'mopeft-sam-tiny', label: 'mopeft-sam-tiny', bytes: MODEL.bytes, licence: MODEL.licence },
      ],
    }),
    'model.openEmbedded': () => MODEL,
    'model.openFiles': () => MODEL,
    'model.change': () => MODEL,
    'model.library': () => ({
      embedded: [
        { id: 'mopeft-sam-tiny', label: 'mopeft-sam-tiny', bytes: MODEL.bytes, licence: MODEL.licence },
      ],
      catalogue: library,
      dropped: null,
    }),
    'model.download': ({ id }) => {
      library = library.map((entry) => (entry.id === id ? { ...entry, state: 'stored' } : entry));
      return {};
    },
    'model.openStored': ({ id }) => ({
      ...MODEL,
      hash: id,
      name: id,
      source: 'catalogue',
      embeddedId: null,
      catalogueId: id,
    }),
    'model.openDropped': () => MODEL,
    'model.free': ({ id }) => {
      library = library.map((entry) =>
        entry.id === id ? { ...entry, state: 'absent', storedBytes: 0 } : entry,
      );
      return {};
    },
    'model.memory': () => ({ peakBytes: 1_300_000_000, problem: null }),
  };
}
