const { StringDecoder } = require("string_decoder/");
const { Buffer } = require("buffer");

const { write, end } = StringDecoder.prototype;

/** Node's takes any view of bytes. */
const toBuffer = (bytes) =>
  ArrayBuffer.isView(bytes) && !Buffer.isBuffer(bytes)
    ? Buffer.from(bytes.buffer, bytes.byteOffset, bytes.byteLength)
    : bytes;

StringDecoder.prototype.write = function writeBytes(bytes) {
  return write.call(this, toBuffer(bytes));
};
StringDecoder.prototype.end = function endBytes(bytes) {
  return end.call(this, toBuffer(bytes));
};

module.exports = { StringDecoder };
