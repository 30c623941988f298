// Starts Swagger UI on the API document.

/* global SwaggerUIBundle */

const place = document.getElementById("swagger-ui");
const { clientId, publicUrl } = place.dataset;

// The document contains the address that callers use. If the page was opened at another address, such as a forwarded port,
// requests may only go to that one.
const service = new URL("..", document.baseURI).href;
const here = (url) => (publicUrl && url.startsWith(`${publicUrl}/`) ? service + url.slice(publicUrl.length + 1) : url);

const ui = SwaggerUIBundle({
  domNode: place,
  url: `${service}openapi.json`,
  // Only the document's own operations are shown: there is no second document.
  layout: "BaseLayout",
  presets: [SwaggerUIBundle.presets.apis],
  deepLinking: true,
  displayRequestDuration: true,
  tryItOutEnabled: true,
  persistAuthorization: false,
  defaultModelsExpandDepth: 0,
  validatorUrl: "none",
  // On a 401 with `WWW-Authenticate: Basic`, which the token endpoint must send, a browser would prompt for a name and a
  // password itself, and Swagger UI would never learn that the secret was wrong.
  requestInterceptor: (request) => Object.assign(request, { url: here(request.url), credentials: "omit" }),
});

ui.initOAuth({ clientId, appName: "storegate" });
