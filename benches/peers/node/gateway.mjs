// Signs calls of the gateway with MD5, posts them as forms over kept connections, and opens the envelope.
import { createHash } from 'node:crypto';
import { Pool } from 'undici';

const CHINA = 8 * 3_600_000;
const FLOW = 'open.shopweb.passengerFlow.getTotalData';
const DEMOGRAPHICS = 'open.shopweb.passengerFlow.flowGroup.getFlowGroupDistribution';

// yyyyMMddHHmmss in China.
function timestamp() {
  return new Date(Date.now() + CHINA).toISOString().replace(/[-:T]/g, '').slice(0, 14);
}

export class Gateway {
  #pool;
  #path;
  #settings;

  constructor(settings) {
    const url = new URL(settings.url);
    this.#pool = new Pool(url.origin, { connections: 64 });
    this.#path = url.pathname;
    this.#settings = settings;
  }

  flow(store) {
    return this.#call(FLOW, { id: store, needUnit: '0' });
  }

  demographics(store, from, to) {
    const second = (instant) => instant.slice(0, 19).replace('T', ' ');
    return this.#call(DEMOGRAPHICS, { id: store, stime: second(from), etime: second(to) });
  }

  async #call(method, business) {
    const { statusCode, body } = await this.#pool.request({
      path: this.#path,
      method: 'POST',
      headers: { 'content-type': 'application/x-www-form-urlencoded' },
      body: this.#signed({ ...business, _mt: method }).toString(),
    });
    const envelope = await body.json();
    const code = Number(envelope.stat?.code);
    if (statusCode !== 200 || code !== 0 || !envelope.data) throw new Error(`the gateway answered ${statusCode}, ${code}`);
    return envelope.data;
  }

  #signed(parameters) {
    const { key, secret } = this.#settings;
    const all = {
      ...parameters,
      _aid: 'S107', _akey: key, _sm: 'md5', _requestMode: 'POST', _version: 'v1', _timestamp: timestamp(),
      _nonce: crypto.randomUUID(),
    };
    const form = new URLSearchParams();
    let text = secret;
    for (const name of Object.keys(all).sort()) {
      text += name + all[name];
      form.append(name, all[name]);
    }
    form.append('_sig', createHash('md5').update(text + secret).digest('hex').toUpperCase());
    return form;
  }
}
