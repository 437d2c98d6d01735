/** Which files hold weights, by their names. */

export const SAFETENSORS = /\.safetensors$/i;
export const PYTORCH = /\.(pth|pt|bin|ckpt)$/i;
/** What trainers leave beside the weights under the same endings. */
export const TRAINER = /(^|\/)(training_args|optimizer|scheduler|scaler|rng_state\w*)\.(pth|pt|bin)$/i;

/** Whether a file's name is that of weights. */
export const isWeightsName = (name: string): boolean =>
  (SAFETENSORS.test(name) || PYTORCH.test(name)) && !TRAINER.test(name);
