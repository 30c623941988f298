// Finished answers with their ETags, and one fetch for all who wait for the same one.
import { createHash } from 'node:crypto';
import { LRUCache } from 'lru-cache';

export class AnswerCache {
  #kept = new LRUCache({ maxSize: 256 << 20, sizeCalculation: ({ body }, key) => body.length + key.length + 256, ttl: 3_600_000 });
  #fetches = new Map();

  peek(key) {
    return this.#kept.get(key);
  }

  fetch(key, load) {
    const running = this.#fetches.get(key);
    if (running) return running;
    const started = load()
      .then((value) => {
        const body = Buffer.from(JSON.stringify(value));
        const kept = { body, etag: `"${createHash('sha1').update(body).digest('base64url')}"` };
        this.#kept.set(key, kept);
        return kept;
      })
      .finally(() => this.#fetches.delete(key));
    this.#fetches.set(key, started);
    return started;
  }
}
