// By then the browser has looked up the image's name, here or elsewhere.
"use strict";
setTimeout(() => location.replace(document.getElementById("result").href), 2500);
