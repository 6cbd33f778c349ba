module.exports = require("readable-stream");
