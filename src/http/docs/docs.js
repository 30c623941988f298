// Starts Swagger UI on the API document.

/* global SwaggerUIBundle */

const place = document.getElementById("swagger-ui");
const { clientId, publicUrl } = place.dataset;

// The document names the address that callers use. Whoever has opened the page at another one, such as a forwarded port,
// may ask that one alone.
const service = new URL("..", document.baseURI).href;
const here = (url) => (publicUrl && url.startsWith(`${publicUrl}/`) ? service + url.slice(publicUrl.length + 1) : url);

const ui = SwaggerUIBundle({
  domNode: place,
  url: `${service}openapi.json`,
  // The document's own operations and nothing else: there is no second document to explore.
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
  validatorUrl: "none",
  // On a 401 with `WWW-Authenticate: Basic`, which the token endpoint owes its callers, a browser would ask for a name and a
  // password in a window of its own, and Swagger UI would never learn that the secret was wrong.
  requestInterceptor: (request) => Object.assign(request, { url: here(request.url), credentials: "omit" }),
});

ui.initOAuth({ clientId, appName: "storegate" });
