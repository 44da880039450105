/** `auto`: whichever is expected to be faster for the model on this machine. */
export type FlashAttentionSetting = "auto" | "on" | "off";

/** Whether attention is computed in one fused pass (FlashAttention), and why. */
export interface FlashAttentionChoice {
  readonly isOn: boolean;
  readonly reason: string;
}
