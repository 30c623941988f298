// Starts Swagger UI on the API document.

/* global SwaggerUIBundle */

const place = document.getElementById("swagger-ui");

const ui = SwaggerUIBundle({
  domNode: place,
  url: "/openapi.json",
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
  requestInterceptor: (request) => Object.assign(request, { credentials: "omit" }),
});

ui.initOAuth({ clientId: place.dataset.clientId, appName: "storegate" });
