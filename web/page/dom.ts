/** Elements of the page. Text goes in as text, never as markup: file names and cards are somebody else's. */

type Child = Node | string;

export function element<Tag extends keyof HTMLElementTagNameMap>(
  tag: Tag,
  attributes: Readonly<Record<string, string>> = {},
  ...children: Child[]
): HTMLElementTagNameMap[Tag] {
  const made = document.createElement(tag);
  for (const [name, value] of Object.entries(attributes)) made.setAttribute(name, value);
  made.append(...children);
  return made;
}

export function byId<Kind extends HTMLElement = HTMLElement>(id: string): Kind {
  const found = document.getElementById(id);
  if (!found) throw new Error(`the page has no #${id}`);
  return found as Kind;
}

export function percent(share: number): string {
  const value = 100 * share;
  if (value > 99 && value < 100) return "more than 99\u00a0%";
  if (value < 1 && value > 0) return "less than 1\u00a0%";
  return `${Math.round(value)}\u00a0%`;
}

/** Rates are small, and a digit more tells them apart. */
export function rate(share: number): string {
  return `${(100 * share).toFixed(1)}\u00a0%`;
}
