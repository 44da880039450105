/** What a client asks of a model's reasoning, in the words of no template. */
export interface ReasoningWish {
  /** False asks to skip the reasoning; left out, the template decides. */
  readonly thinks?: boolean | undefined;
  /** One of `efforts`, or a level of a client's own. */
  readonly effort?: string | undefined;
  /** Tokens after which thoughts are ended. */
  readonly budgetTokens?: number | undefined;
}

type Variables = Readonly<Record<string, unknown>>;

/** Levels of effort in the words of the APIs, the least first. */
const efforts = ["none", "minimal", "low", "medium", "high", "xhigh", "max"];
/** What models are trained on whose templates print the level as it is: gpt-oss. */
const printedEfforts = ["low", "medium", "high"];
/** Words for no effort, of Cohere, Hunyuan and Solar. */
const leastEfforts = ["none", "no_think", "minimal", "low"];

/**
 * Says a wish in the variables that one template reads. Templates name them differently, and some refuse a level that
 * they don't know: what a level does is found by rendering it.
 */
export class ReasoningVariables {
  readonly #source: string;
  /** What the variables render to, undefined where the template refuses them. */
  readonly #render: (variables: Variables) => string | undefined;
  /** What ends thoughts, in the model's words. */
  readonly #close: () => string | undefined;
  /** By the words of `efforts`. */
  readonly #levels = new Map<string, Variables>();

  constructor(
    source: string,
    render: (variables: Variables) => string | undefined,
    close: () => string | undefined,
  ) {
    this.#source = source;
    this.#render = render;
    this.#close = close;
  }

  of({ thinks, effort, budgetTokens }: ReasoningWish): Variables {
    const budget = thinks === false ? 0 : budgetTokens;
    return {
      ...(thinks !== undefined && switched(thinks)),
      ...(budget !== undefined && { thinking_budget: budget }),
      ...this.#level(thinks, effort),
    };
  }

  #level(thinks: boolean | undefined, effort: string | undefined): Variables {
    const wanted = thinks === false ? "none" : effort;
    if (!/_effort\b/.test(this.#source) || (wanted === undefined && thinks === undefined)) return {};
    // A level of the client's own is between it and the template.
    if (wanted !== undefined && !efforts.includes(wanted)) return leveled(wanted);
    const key = wanted ?? "any";
    const found = this.#levels.get(key) ?? this.#findLevel(wanted);
    this.#levels.set(key, found);
    return found;
  }

  #findLevel(wanted: string | undefined): Variables {
    if (wanted === undefined) return this.#leastThatThinks();
    if (this.#render(leveled("qzlevel"))?.includes("qzlevel") === true)
      return nearest(wanted, printedEfforts);
    if (wanted === "none") return this.#leastEffort();
    const takes = (level: string) => this.#render({ ...switched(true), ...leveled(level) }) !== undefined;
    return nearest(wanted, efforts.slice(1).filter(takes));
  }

  /** The first word for it that changes something, where the switch alone does not end the thoughts. */
  #leastEffort(): Variables {
    const bySwitch = this.#render(switched(false));
    if (bySwitch !== undefined && this.#hasEnded(bySwitch)) return {};
    const level = leastEfforts.find((word) => {
      const rendered = this.#render({ ...switched(false), ...leveled(word) });
      return rendered !== undefined && rendered !== bySwitch;
    });
    return level === undefined ? {} : leveled(level);
  }

  /** For templates that skip the reasoning unless a level is named. */
  #leastThatThinks(): Variables {
    const thinks = (variables: Variables) => {
      const rendered = this.#render({ ...switched(true), ...variables });
      return rendered !== undefined && !this.#hasEnded(rendered);
    };
    const level = thinks({}) ? undefined : ["medium", "high"].find((word) => thinks(leveled(word)));
    return level === undefined ? {} : leveled(level);
  }

  /** The prompt's end closes the thoughts. */
  #hasEnded(rendered: string): boolean {
    const close = this.#close()?.trim();
    return close !== undefined && rendered.trimEnd().endsWith(close);
  }
}

/** The names of one switch: Qwen and most others, DeepSeek and Granite, MiniMax. */
export function switched(thinks: boolean): Variables {
  return { enable_thinking: thinks, thinking: thinks, thinking_mode: thinks ? "enabled" : "disabled" };
}

function leveled(level: string): Variables {
  return { reasoning_effort: level, thinking_effort: level };
}

/** The more thorough of two that are as near. */
function nearest(wanted: string, levels: readonly string[]): Variables {
  const distance = (level: string) => Math.abs(efforts.indexOf(level) - efforts.indexOf(wanted));
  const [level] = levels.toReversed().toSorted((a, b) => distance(a) - distance(b));
  return level === undefined ? {} : leveled(level);
}
