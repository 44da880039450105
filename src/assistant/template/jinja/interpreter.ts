import type { Budget } from "./budget.ts";
import { type Named, runFilter } from "./filters.ts";
import { loopFacts } from "./loop-facts.ts";
import { method } from "./methods.ts";
import type {
  Binary,
  Call,
  For,
  Identifier,
  Macro,
  Member,
  Node,
  Program,
  SetStatement,
  Slice,
} from "./nodes.ts";
import { binary, slice } from "./operators.ts";
import type { Scope } from "./scope.ts";
import { runTest } from "./tests.ts";
import {
  type Callable,
  isTrue,
  items,
  Namespace,
  TemplateError,
  Tuple,
  toNumber,
  toText,
  typeName,
  type Value,
} from "./values.ts";

/** How a loop's body was left before its end. */
class Leave {
  readonly kind: "break" | "continue";

  constructor(kind: "break" | "continue") {
    this.kind = kind;
  }
}

/** Runs a parsed template as Jinja2 would, within a budget. Where Jinja2 refuses what is not defined, it is empty here. */
export class Interpreter {
  readonly #budget: Budget;

  constructor(budget: Budget) {
    this.#budget = budget;
  }

  /** @throws TemplateError */
  run(program: Program, scope: Scope): string {
    return this.#block(program.body, scope);
  }

  #block(body: readonly Node[], scope: Scope): string {
    const parts: string[] = [];
    this.#write(body, scope, parts);
    return this.#budget.bounded(parts.join(""));
  }

  /** Writes into `parts`, which keep what a loop wrote before it was left. */
  #write(body: readonly Node[], scope: Scope, parts: string[]): void {
    for (const node of body) {
      this.#budget.step();
      switch (node.type) {
        case "Comment":
          break;
        case "Break":
          throw new Leave("break");
        case "Continue":
          throw new Leave("continue");
        case "If":
          this.#write(isTrue(this.#evaluate(node.test, scope)) ? node.body : node.alternate, scope, parts);
          break;
        case "For":
          this.#for(node, scope, parts);
          break;
        case "Set":
          this.#set(node, scope);
          break;
        case "Macro":
          scope.set(node.name.value, this.#macro(node, scope));
          break;
        case "FilterStatement":
          parts.push(toText(this.#filter(node.filter, this.#block(node.body, scope.nested()), scope)));
          break;
        case "CallStatement": {
          const caller = this.#procedure(node.callerArgs ?? [], node.body, scope);
          const inner = scope.nested();
          inner.set("caller", caller);
          parts.push(toText(this.#call(node.call, inner, new Map([["caller", caller]]))));
          break;
        }
        default:
          parts.push(toText(this.#evaluate(node, scope)));
      }
    }
  }

  #for({ loopvar, iterable, body, defaultBlock }: For, scope: Scope, parts: string[]): void {
    const [source, condition] =
      iterable.type === "SelectExpression" ? [iterable.lhs, iterable.test] : [iterable, undefined];
    const kept = items(this.#evaluate(source, scope)).filter((item) => {
      if (condition === undefined) return true;
      const inner = scope.nested();
      this.#assign(loopvar, item, inner);
      return isTrue(this.#evaluate(condition, inner));
    });
    if (kept.length === 0) {
      this.#write(defaultBlock, scope, parts);
      return;
    }
    for (const [index, item] of kept.entries()) {
      this.#budget.step();
      const inner = scope.nested();
      this.#assign(loopvar, item, inner);
      inner.set("loop", loopFacts(kept, index));
      try {
        this.#write(body, inner, parts);
      } catch (error) {
        if (!(error instanceof Leave)) throw error;
        if (error.kind === "break") return;
      }
    }
  }

  #set({ assignee, value, body }: SetStatement, scope: Scope): void {
    this.#assign(
      assignee,
      value === null ? this.#block(body, scope.nested()) : this.#evaluate(value, scope),
      scope,
    );
  }

  #assign(target: Node, value: Value, scope: Scope): void {
    switch (target.type) {
      case "Identifier":
        scope.set(target.value, value);
        return;
      case "TupleLiteral": {
        const values = items(value);
        if (values.length !== target.value.length)
          throw new TemplateError(`${values.length} values for ${target.value.length} names`);
        for (const [index, part] of target.value.entries()) this.#assign(part, values[index], scope);
        return;
      }
      case "MemberExpression": {
        const object = this.#evaluate(target.object, scope);
        const key = this.#key(target, scope);
        if (object instanceof Namespace) object.attributes.set(key, value);
        else if (object instanceof Map) object.set(key, value);
        else throw new TemplateError(`attributes of ${typeName(object)} can't be set`);
        return;
      }
      default:
        throw new TemplateError(`${target.type} can't be assigned to`);
    }
  }

  #macro({ args, body }: Macro, scope: Scope): Callable {
    return this.#procedure(args, body, scope);
  }

  #procedure(parameters: readonly Node[], body: readonly Node[], scope: Scope): Callable {
    return (args, named) => {
      const inner = scope.nested();
      const caller = named.get("caller");
      if (caller !== undefined) inner.set("caller", caller);
      for (const [index, parameter] of parameters.entries()) {
        const isOptional = parameter.type === "KeywordArgumentExpression";
        const name = (isOptional ? parameter.key : (parameter as Identifier)).value;
        const given = index < args.length ? args[index] : named.get(name);
        const isGiven = index < args.length || named.has(name);
        inner.set(name, isGiven || !isOptional ? given : this.#evaluate(parameter.value, inner));
      }
      return this.#budget.within(() => this.#block(body, inner));
    };
  }

  #evaluate(node: Node, scope: Scope): Value {
    this.#budget.step();
    switch (node.type) {
      case "StringLiteral":
      case "IntegerLiteral":
      case "FloatLiteral":
        return node.value;
      case "Identifier":
        return scope.get(node.value);
      case "ArrayLiteral":
        return node.value.map((item) => this.#evaluate(item, scope));
      case "TupleLiteral":
        return Tuple.from(node.value.map((item) => this.#evaluate(item, scope)));
      case "ObjectLiteral":
        return new Map(
          [...node.value].map(([key, item]) => [this.#evaluate(key, scope), this.#evaluate(item, scope)]),
        );
      case "MemberExpression":
        return this.#member(node, scope);
      case "CallExpression":
        return this.#call(node, scope);
      case "FilterExpression":
        return this.#filter(node.filter, this.#evaluate(node.operand, scope), scope);
      case "TestExpression": {
        const { value: name } = node.test;
        return runTest(name, this.#evaluate(node.operand, scope)) !== node.negate;
      }
      case "SelectExpression":
        return isTrue(this.#evaluate(node.test, scope)) ? this.#evaluate(node.lhs, scope) : undefined;
      case "Ternary":
        return this.#evaluate(
          isTrue(this.#evaluate(node.condition, scope)) ? node.trueExpr : node.falseExpr,
          scope,
        );
      case "UnaryExpression": {
        const value = this.#evaluate(node.argument, scope);
        if (node.operator.value === "not") return !isTrue(value);
        return node.operator.value === "-" ? -toNumber(value) : toNumber(value);
      }
      case "BinaryExpression":
        return this.#binary(node, scope);
      default:
        throw new TemplateError(`${node.type} has no value`);
    }
  }

  #binary({ operator, left, right }: Binary, scope: Scope): Value {
    const a = this.#evaluate(left, scope);
    if (operator.value === "and") return isTrue(a) ? this.#evaluate(right, scope) : a;
    if (operator.value === "or") return isTrue(a) ? a : this.#evaluate(right, scope);
    return binary(operator.value, a, this.#evaluate(right, scope), this.#budget);
  }

  #member(node: Member, scope: Scope): Value {
    const object = this.#evaluate(node.object, scope);
    if (node.property.type === "SliceExpression") return this.#slice(object, node.property, scope);
    const key = this.#key(node, scope);
    if (object instanceof Namespace) return object.attributes.get(key);
    if (object instanceof Map) return object.has(key) ? object.get(key) : method(object, toText(key));
    if (typeof key === "number") {
      const list = typeof object === "string" ? [...object] : object;
      return Array.isArray(list) ? list.at(key) : undefined;
    }
    return method(object, toText(key));
  }

  #key({ property, computed }: Member, scope: Scope): Value {
    return !computed && property.type === "Identifier" ? property.value : this.#evaluate(property, scope);
  }

  #slice(object: Value, { start, stop, step }: Slice, scope: Scope): Value {
    const bound = (node: Node | undefined) => {
      const value = node === undefined ? undefined : this.#evaluate(node, scope);
      return value === undefined || value === null ? undefined : toNumber(value);
    };
    return slice(object, bound(start), bound(stop), bound(step));
  }

  #call({ callee, args }: Call, scope: Scope, more: Named = new Map()): Value {
    const called = this.#evaluate(callee, scope);
    if (typeof called !== "function") throw new TemplateError(`${nameOf(callee)} can't be called`);
    const { positional, named } = this.#arguments(args, scope);
    return (called as Callable)(positional, new Map([...named, ...more]));
  }

  #filter(filter: Node, value: Value, scope: Scope): Value {
    if (filter.type === "Identifier") return runFilter(filter.value, value, [], new Map());
    if (filter.type !== "CallExpression" || filter.callee.type !== "Identifier")
      throw new TemplateError("a filter needs a name");
    const { positional, named } = this.#arguments(filter.args, scope);
    return runFilter(filter.callee.value, value, positional, named);
  }

  #arguments(args: readonly Node[], scope: Scope) {
    const positional: Value[] = [];
    const named = new Map<string, Value>();
    for (const node of args) {
      if (node.type === "KeywordArgumentExpression")
        named.set(node.key.value, this.#evaluate(node.value, scope));
      else if (node.type === "SpreadExpression")
        positional.push(...items(this.#evaluate(node.argument, scope)));
      else if (node.type === "KeywordSpreadExpression") {
        const dict = this.#evaluate(node.argument, scope);
        if (dict instanceof Map) for (const [key, value] of dict) named.set(toText(key), value);
      } else positional.push(this.#evaluate(node, scope));
    }
    return { positional, named };
  }
}

function nameOf(node: Node): string {
  if (node.type === "Identifier") return node.value;
  if (node.type === "MemberExpression" && node.property.type === "Identifier") return node.property.value;
  return node.type;
}
