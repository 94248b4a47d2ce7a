'use strict';

module.exports = require('./lib/door.js');
