// Marks in what is open where the text of the search stands, without touching the elements.

/** More are not marked. */
const MOST = 2000;

export function highlight(place, text) {
  if (!globalThis.CSS?.highlights) return;
  CSS.highlights.delete('found');
  if (!text) return;
  const wanted = text.toLowerCase();
  const ranges = [];
  const walker = document.createTreeWalker(place, NodeFilter.SHOW_TEXT);
  while (walker.nextNode() && ranges.length < MOST) {
    const said = walker.currentNode.data.toLowerCase();
    for (let at = said.indexOf(wanted); at >= 0 && ranges.length < MOST; at = said.indexOf(wanted, at + wanted.length)) {
      const range = new Range();
      // A letter may grow when it is made small; then its place is not known.
      if (said.length !== walker.currentNode.data.length) break;
      range.setStart(walker.currentNode, at);
      range.setEnd(walker.currentNode, at + wanted.length);
      ranges.push(range);
    }
  }
  CSS.highlights.set('found', new Highlight(...ranges));
}
