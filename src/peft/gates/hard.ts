import { hardGate, openGate } from '../../ops/hard-gate/hard-gate.ts';
import { budgetPrice, keptShare } from '../../ops/kept-share/kept-share.ts';
import { filled, zeros } from '../tensor-spec.ts';
import type { GatedMethod, GateForm, GateSource } from './gate-form.ts';

/** The tensor that decides a method's gate. */
const alpha = (method: string) => `gate.${method}.alpha`;

/** Of alpha: at the start a module is there in 95 of 100 draws. */
const START = 2;
/** At the usual rate of gates, alpha would not get past 0 in a few hundred steps. */
const RATE = 200;

/** The multipliers of the price. They rise where the loss would have them fall, so their rate is negative. */
const PRICE = 'gates.price';
const PRICE_RATE = -100;

/**
 * Hard concrete gates (L0 regularisation, arXiv 1712.01312): in training drawn anew in every step, and often exactly 0 or 1;
 * outside of it 1 where alpha is above 0, else 0. The price λ₁ over + λ₂ over², over = max(0, C − B), brings the share C that is
 * expected to be kept down to the budget B. It has one side: while the budget is still 1 the multipliers would fall far below 0
 * otherwise, and push all gates open.
 */
export const hard: GateForm = {
  id: 'hard',
  label: 'Hard',
  help: 'Opens and closes modules by chance while it trains, at a price for what is open; closed ones are taken out at the end.',
  varies: 'by-run',
  differsInTraining: true,
  reads: () => 'nothing',
  tensors: (methods: readonly GatedMethod[]) =>
    methods.map(({ id }) => ({
      name: alpha(id),
      shape: [1],
      decay: false,
      rate: RATE,
      init: filled(START),
    })),
  budget: {
    by: 'price',
    tensors: [{ name: PRICE, shape: [2], decay: false, rate: PRICE_RATE, init: zeros }],
    price: (modules, budget, tensor) =>
      budgetPrice(
        keptShare(
          modules.map((module) => ({ alpha: module.tensor(alpha(module.method)), share: module.share })),
        ),
        budget,
        tensor(PRICE),
      ),
    isClosed: (method, values) => !((values(alpha(method))[0] ?? 0) > 0),
  },
  constant: (method, values) => ((values(alpha(method))[0] ?? 0) > 0 ? 1 : 0),
  trace: (methods, { mode, tensor, random }) => {
    const values = new Map(
      inReadingOrder(methods).map(({ id }) => {
        const own = tensor(alpha(id));
        return [id, mode === 'training' ? hardGate(own, random(1)) : openGate(own)] as const;
      }),
    );
    return methods.map(({ id }) => ({ value: values.get(id) ?? null, insideSoftmax: true }));
  },
};

const SOURCES: readonly GateSource[] = ['norm1', 'mlp'];

/** In the order in which a block comes to them, which is that in which the twin draws. */
function inReadingOrder(methods: readonly GatedMethod[]): GatedMethod[] {
  return SOURCES.flatMap((source) => methods.filter(({ gateReads }) => gateReads === source));
}
