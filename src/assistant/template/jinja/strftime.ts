/** A time as C's `strftime` writes it, in this machine's time zone and in English. */
export function formatTime(time: Date, format: string): string {
  const two = (value: number) => String(value).padStart(2, "0");
  const part = (options: Intl.DateTimeFormatOptions) => time.toLocaleDateString("en-US", options);
  const fields: Readonly<Record<string, () => string>> = {
    Y: () => String(time.getFullYear()),
    y: () => two(time.getFullYear() % 100),
    m: () => two(time.getMonth() + 1),
    d: () => two(time.getDate()),
    e: () => String(time.getDate()).padStart(2, " "),
    H: () => two(time.getHours()),
    I: () => two(time.getHours() % 12 || 12),
    M: () => two(time.getMinutes()),
    S: () => two(time.getSeconds()),
    p: () => (time.getHours() < 12 ? "AM" : "PM"),
    B: () => part({ month: "long" }),
    b: () => part({ month: "short" }),
    A: () => part({ weekday: "long" }),
    a: () => part({ weekday: "short" }),
    F: () => `${time.getFullYear()}-${two(time.getMonth() + 1)}-${two(time.getDate())}`,
    T: () => `${two(time.getHours())}:${two(time.getMinutes())}:${two(time.getSeconds())}`,
    "%": () => "%",
  };
  return format.replace(/%(-?)([a-zA-Z%])/g, (found, bare: string, field: string) => {
    const text = Object.hasOwn(fields, field) ? fields[field]?.() : undefined;
    if (text === undefined) return found;
    return bare === "-" ? text.replace(/^[0 ]/, "") : text;
  });
}
