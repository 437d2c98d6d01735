/**
 * The import walls of docs/architecture.md. Every folder names what it may import; everything else is refused.
 * Tests (`*.test.ts`) and `src/testing` stand outside the walls.
 */
const may = {
  config: [],
  gpu: ['config'],
  graph: ['config', 'gpu'],
  ops: ['config', 'gpu', 'graph'],
  pickle: ['config'],
  sam: ['config', 'gpu', 'graph', 'ops', 'pickle'],
  peft: ['config', 'gpu', 'graph', 'ops', 'sam'],
  data: ['config', 'pickle'],
  train: ['config', 'gpu', 'graph', 'ops', 'sam', 'peft', 'data'],
  engine: ['config', 'gpu', 'graph', 'ops', 'sam', 'peft', 'data', 'train'],
  worker: ['config', 'gpu', 'graph', 'ops', 'sam', 'peft', 'data', 'train', 'engine'],
  // The bench imports testing; `not-to-testing` keeps the rest of cli out of it.
  cli: ['config', 'gpu', 'graph', 'ops', 'sam', 'peft', 'data', 'train', 'engine', 'testing'],
};
const walls = Object.entries(may).map(([folder, allowed]) => ({
  name: `wall-${folder}`,
  severity: 'error',
  from: { path: `^src/${folder}/`, pathNot: '\\.(test|bench)\\.tsx?$' },
  to: { path: '^src/', pathNot: `^src/(${[folder, ...allowed].join('|')})/` },
}));

module.exports = {
  forbidden: [
    ...walls,
    {
      name: 'wall-studio',
      comment: "the studio sees config, data's types, operations on labels, and the worker's client and protocol only",
      severity: 'error',
      from: { path: '^src/studio/', pathNot: '\\.test\\.tsx?$' },
      to: { path: '^src/', pathNot: '^src/(studio|config)/|^src/data/types\\.ts$|^src/data/labels/|^src/worker/(client|protocol)\\.ts$' },
    },
    {
      name: 'wall-labels',
      comment: 'operations on labels run in the page too, so they bring no decoder and no storage along',
      severity: 'error',
      from: { path: '^src/data/labels/', pathNot: '\\.test\\.ts$' },
      to: { path: '^src/', pathNot: '^src/config/|^src/data/(labels/|(annotations/rasterise|label-runs)\\.ts$|types\\.ts$)' },
    },
    { name: 'no-circular', severity: 'error', from: {}, to: { circular: true } },
    { name: 'no-node-in-browser', severity: 'error', from: { path: '^src/', pathNot: '^src/(cli|testing)/|\\.(test|bench)\\.tsx?$' }, to: { dependencyTypes: ['core'] } },
    { name: 'not-to-testing', severity: 'error', from: { path: '^src/', pathNot: '^src/(testing|cli/bench)|\\.(test|bench)\\.tsx?$' }, to: { path: '^src/testing/' } },
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    exclude: { path: '\\.wgsl' },
  },
};
