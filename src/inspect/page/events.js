// The stream of events, followed for as long as the page is open: lost, it is tried again, and the page told.

/** Shortest and longest wait between two tries, in ms. */
const WAITS = [500, 8000];

/** `on`: `exchange`, `said`, `status` with their data; `cleared`, `missed`, `lost` and `open` without. */
export function follow(on) {
  let wait = WAITS[0];
  let source;
  const again = () => {
    source.close();
    on.lost();
    setTimeout(connect, wait);
    wait = Math.min(wait * 2, WAITS[1]);
  };
  const connect = () => {
    source = new EventSource('api/events');
    source.onopen = () => {
      wait = WAITS[0];
      on.open();
    };
    source.onerror = again;
    for (const name of ['exchange', 'said', 'status']) {
      source.addEventListener(name, (event) => on[name](JSON.parse(event.data)));
    }
    for (const name of ['cleared', 'missed']) source.addEventListener(name, () => on[name]());
  };
  connect();
}
